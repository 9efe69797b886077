"""Opens the ways to people, mail and Slack, behind the egress guard; says what keeps them shut."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from server.settings import Settings
from workers.adapters.slack import SlackNotifier
from workers.adapters.smtp import SmtpNotifier
from workers.catalog.notifications import Notifications
from workers.model.notice import Channel
from workers.ports import Clock, Notifier
from workers.rest.egress import Egress
from workers.rest.resolver import CheckedResolver, threaded_lookup
from workers.rest.retry_after import retry_after


@contextmanager
def open_notifiers(egress: Egress, clock: Clock) -> Iterator[Mapping[Channel, Notifier]]:
    """Make the notifiers of all channels; a name look-up that hangs is not waited for at the end."""
    threads = ThreadPoolExecutor(2, thread_name_prefix="notice-names")
    lookup = threaded_lookup(threads)

    async def addresses(host: str, port: int) -> Sequence[str]:
        return [found["host"] for found in await CheckedResolver(egress, lookup).resolve(host, port)]

    slack = SlackNotifier(lambda: CheckedResolver(egress, lookup), clock, retry_after, egress.allowed)
    try:
        yield {Channel.EMAIL: SmtpNotifier(addresses, ssl.create_default_context()), Channel.SLACK: slack}
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def notice_faults(settings: Settings, declared: Notifications) -> tuple[str, ...]:
    """Return what keeps the service's own notifications from being sent."""
    if declared.needs_credential and not settings.notify_org:
        return ("NOTIFY_ORG: must name the organisation whose SMTP and SLACK credentials configs/notify_systems use",)
    return ()
