"""Carries letters away: one courier for the fleet, some letters at a time, each until it arrives or is too old.

A letter is undertaken before it is sent and forgotten after, so that a crash between the two sends it again, with the
same key. A server that is dead delays the letters for it, and no run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog
from attrs import frozen

from workers.catalog.credentials import Credentials
from workers.catalog.notifications import Notifications
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.notice import PROVIDERS, Channel, Posting
from workers.model.secret import Secret
from workers.ports import Clock, Notices, Notifier, Upkeep, Way
from workers.runtime.announcer import BATCH, Announcer, notices
from workers.runtime.supervisor import Supervisor

log = structlog.get_logger()

AT_ONCE, OF_ONE = 16, 4
SEND_SECONDS, HELD_SECONDS = 150.0, 180.0
"""How long sending may take, and how long a letter is nobody else's."""
LEADING_SECONDS = 60.0
FIRST_WAIT, LONGEST_WAIT = 30.0, 3600.0
OLDEST_SECONDS = 24 * 3600.0


@frozen
class Courier:
    """Looks every `interval` seconds.

    `platform` is the organisation whose credentials the service's own settings use.
    """

    announcer: Announcer
    notices: Notices
    leads: Upkeep
    settings: Notifications
    credentials: Credentials
    notifiers: Mapping[Channel, Notifier]
    clock: Clock
    roll: Callable[[], float]
    platform: str = ""
    interval: float = 2.0

    def start(self, supervisor: Supervisor) -> None:
        """Put the actor under the supervisor."""
        for channel in self.notifiers:
            for outcome in ("sent", "failed", "dropped", "held"):
                notices.labels(channel, outcome)
        supervisor.add("courier", self.run)

    async def run(self) -> None:
        """Carry for ever; what cannot be carried now stays where it is."""
        while True:
            try:
                async with self.leads.lead("courier") as leading:
                    if leading:
                        await self._lead()
            except FailedError as error:
                log.warning("notices put off", reason=error.failure.reason)
            await self.clock.sleep(self.interval * (0.5 + self.roll()))

    async def _lead(self) -> None:
        until = self.clock.monotonic() + LEADING_SECONDS
        while self.clock.monotonic() < until:
            if not await self.carry():
                await self.clock.sleep(self.interval)

    async def carry(self) -> bool:
        """Plan what is new and send what is due; return whether there may be more at once."""
        planned = await self.announcer.announce()
        due = await self.notices.undertake(AT_ONCE, OF_ONE, HELD_SECONDS)
        await asyncio.gather(*(self._carry(posting) for posting in due))
        return planned >= BATCH or len(due) >= AT_ONCE

    async def _carry(self, posting: Posting) -> None:
        try:
            await self._try(posting)
        except FailedError as error:
            # It is sent again when nobody has undertaken it any more.
            log.warning("fate of a notice not written", key=posting.letter.key, reason=error.failure.reason)

    async def _try(self, posting: Posting) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._send(posting)
        except FailedError as error:
            await self._failed(posting, error.failure)
        except Exception:
            log.exception("notice not sent", key=posting.letter.key)
            message = "it could not be sent, the service's log has the details"
            await self._failed(posting, Failure(Code.INTERNAL, Reason.INTERNAL, message, retryable=True))
        else:
            notices.labels(posting.letter.channel, "sent").inc()
            await self.notices.sent(posting)

    async def _send(self, posting: Posting) -> None:
        letter = posting.letter
        way = await self._way(letter.org, letter.channel)
        await self.notifiers[letter.channel].send(letter, way)

    async def _way(self, org: str, channel: Channel) -> Way:
        if channel is Channel.SLACK:
            # A pipeline may switch Slack on where no organisation's webhook is named: then it is the run's own.
            return Way(secret=await self._open(self.settings.webhook_owner(org) or self.platform or org, channel))
        mailing = self.settings.mailing(org)
        if mailing is None:
            raise _nowhere("there is no mail server any more")
        server = mailing.server
        return Way(server, await self._open(mailing.owner or self.platform, channel) if server.username else None)

    async def _open(self, owner: str, channel: Channel) -> Secret:
        if not owner:
            raise _nowhere("no organisation is named whose credential is used")
        return await self.credentials.open(owner, PROVIDERS[channel])

    async def _failed(self, posting: Posting, failure: Failure) -> None:
        letter = posting.letter
        age = (await self.notices.ping() - posting.created_at).total_seconds()
        # A credential that is not there yet, or wrong, is put right by people, who may take a while.
        may_be = failure.retryable or failure.reason is Reason.CREDENTIAL_INVALID
        told = {"key": letter.key, "channel": letter.channel, "org_slug": letter.org, "why": failure.message}
        if not may_be or age > OLDEST_SECONDS:
            notices.labels(letter.channel, "dropped").inc()
            log.error("notice dropped", attempts=posting.attempts, **told)
            await self.notices.sent(posting)
            return
        notices.labels(letter.channel, "failed").inc()
        delay = wait(posting.attempts, failure.retry_after, self.roll())
        log.warning("notice not delivered yet", attempts=posting.attempts, delay=delay, **told)
        await self.notices.put_off(posting, delay, failure.message)


def wait(attempts: int, retry_after: float | None, roll: float) -> float:
    """Return the seconds until the next attempt: half a minute, doubled each time, an hour at most, with jitter."""
    ceiling = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempts - 1, 10))
    return max(ceiling * (0.5 + roll / 2), min(retry_after or 0.0, LONGEST_WAIT))


def _nowhere(what: str) -> FailedError:
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, what))
