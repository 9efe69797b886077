"""Says, in order, why a run is not further, or whose problem its failure is."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from attrs import frozen

from workers.catalog.orgs import Directory
from workers.model.explanation import Explanation
from workers.model.failure import Code, Reason, refused
from workers.model.lease import Position
from workers.model.run import Run, RunError, RunStatus
from workers.ports import Clock, Intake

# Reason → who can mend it, and how.
_BLAME: dict[Reason, tuple[str, str]] = {
    Reason.PROVIDER_AUTH: ("caller", "store a key that the provider accepts, with the scope it asks for, then retry"),
    Reason.PROVIDER_RATE_LIMIT: ("provider", "retry later; nothing is lost"),
    Reason.PROVIDER_UNAVAILABLE: ("provider", "retry later; nothing is lost"),
    Reason.PROVIDER_BAD_RESPONSE: ("provider", "retry; if it stays, the provider's API has changed"),
    Reason.PROVIDER_REFUSED: ("caller", "correct the pipeline's declaration or parameters, then start a new run"),
    Reason.CREDENTIAL_INVALID: ("caller", "store the credential again, then retry"),
    Reason.CREDENTIAL_UNAVAILABLE: ("service", "retry later; nothing is lost"),
    Reason.SUBSCRIPTION_INACTIVE: ("caller", "renew the subscription, then retry"),
    Reason.STEP_TIMEOUT: ("service", "retry; narrow the days of the run, or allow the step more time"),
    Reason.RUN_TIMEOUT: ("service", "retry, which goes on behind the finished steps; or allow the run more time"),
    Reason.CONFIG_INVALID: ("service", "correct the declaration, then start a new run"),
    Reason.SCHEMA_CONFLICT: ("service", "migrate the table as the message says, then retry"),
    Reason.SHRINK_HELD: ("caller", "check the provider's data; start a run with force_refresh to accept them"),
    Reason.DATA_QUALITY_FAILED: (
        "caller",
        "check the provider's data against what the message names, then retry; the table holds the version before",
    ),
    Reason.STALE_RUN: ("caller", "nothing: a newer attempt of the run has written these days"),
    Reason.PROCESS_CRASHED: (
        "service",
        "show this run id to the operators; once the cause is mended, a retry goes on behind the finished steps",
    ),
    Reason.CANCELLED: ("caller", "retry if it was cancelled by mistake"),
}


@frozen
class Explain:
    """Reads the journal and the directory; changes nothing."""

    journal: Intake
    directory: Directory
    clock: Clock

    async def explain(self, org: str, run_id: UUID) -> tuple[RunStatus, tuple[Explanation, ...]]:
        """Return the run's status and its reasons, the most decisive first; raises RUN_NOT_FOUND."""
        run = await self.journal.find_run(org, run_id)
        if run is None:
            raise refused(Code.NOT_FOUND, Reason.RUN_NOT_FOUND, "there is no such run")
        if run.status is RunStatus.COMPLETED:
            return run.status, (Explanation("COMPLETED", "every step that could run has its outcome"),)
        if run.status.terminal:
            return run.status, (_blame(run),)
        return run.status, await self._live(run)

    async def _live(self, run: Run) -> tuple[Explanation, ...]:
        org = await self.directory.org(run.org_slug)
        position = await self.journal.position(run.org_slug, run.run_id)
        standing = self._standing(run, position) if position is not None else [_between()]
        if org is not None and org.allows(self.clock.now().date()):
            return tuple(standing)
        message = "the subscription is not ACTIVE or TRIAL"
        return (Explanation("SUBSCRIPTION_INACTIVE", message, "caller", remedy="renew it"), *standing)

    def _standing(self, run: Run, position: Position) -> list[Explanation]:
        if position.leased_by:
            return [self._held(run, position)]
        reasons = _stopping(run)
        if position.running >= position.cap:
            message = f"{position.running} runs of the organisation run and its cap is {position.cap}"
            reasons.append(Explanation("CAP_REACHED", message, remedy="wait for one to end, or raise the plan's limit"))
        if position.suspect:
            return [*reasons, self._suspect(position)]
        if position.delay > 0:
            message = position.why or "it is taken up again at that time"
            return [Explanation("WAITING_FOR_TIME", message, until=self._in(position.delay))]
        if position.ahead:
            reasons.append(Explanation("QUEUED", f"{position.ahead} runs of the organisation stand before it"))
        if position.shut > 0:
            message = "the workers keep for a moment to a run that is tried alone, because its worker died before"
            reasons.append(Explanation("WORKERS_SHUT", message, until=self._in(position.shut)))
        return reasons or [Explanation("NEXT", "nothing stands before it: it starts when a worker is free for it")]

    def _held(self, run: Run, position: Position) -> Explanation:
        worker, until = position.leased_by, self._in(position.lease_left)
        if position.lease_left <= 0:
            message = f"{worker} has not renewed its lease; the run is about to be taken back and tried again"
            return Explanation("LEASE_EXPIRED", message)
        if run.status is RunStatus.CANCELLING:
            return Explanation("CANCELLING", f"{worker} is asked to stop it", until=until)
        steps = ", ".join(step.step_id for step in run.steps if step.status == "RUNNING") or "its first step"
        alone = f" and nothing else, because the run's worker died before{_counted(position)}" if position.alone else ""
        return Explanation("RUNNING", f"{worker} is doing {steps}{alone}; its lease is renewed", until=until)

    def _suspect(self, position: Position) -> Explanation:
        message = (
            "its worker died, so it waits to be tried alone, or beside others one at a time; "
            f"{position.suspects_ahead} such runs stand before it{_counted(position)}"
        )
        return Explanation("SUSPECT", message, until=self._in(position.delay) if position.delay > 0 else None)

    def _in(self, seconds: float) -> datetime:
        return self.clock.now() + timedelta(seconds=seconds)


def _stopping(run: Run) -> list[Explanation]:
    if run.status is not RunStatus.CANCELLING:
        return []
    return [Explanation("CANCELLING", "it is asked to stop; its worker died, and the next one that takes it ends it")]


def _counted(position: Position) -> str:
    return f" (died {position.crashes} times while it ran alone; after 3 it is put aside)" if position.crashes else ""


def _between() -> Explanation:
    return Explanation("ENDING", "it ended while this was asked; ask again")


def _blame(run: Run) -> Explanation:
    error = run.error or RunError(Code.INTERNAL, Reason.INTERNAL, "the run ended without a recorded error")
    owner, remedy = _BLAME.get(error.reason, ("service", "retry; if it fails again, show this run id to the operators"))
    return Explanation(error.reason.value, error.message, owner, remedy=remedy)
