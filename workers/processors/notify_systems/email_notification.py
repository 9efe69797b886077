"""Sends a mail about the run when it has ended; `trigger` says for which ends."""

from __future__ import annotations

from attrs import field, frozen

from workers.model.notice import Channel, Notice
from workers.ports import StepContext, StepResult
from workers.processors.notify_systems.templates import are_addresses, names_facts


@frozen
class EmailConfig:
    """To whom and what, where it is not as the settings say; a text may name the facts of `model.notice`."""

    to: tuple[str, ...] = field(default=(), validator=are_addresses)
    cc: tuple[str, ...] = field(default=(), validator=are_addresses)
    subject: str = field(default="", validator=names_facts)
    message: str = field(default="", validator=names_facts)


class EmailNotification:
    """Engine of `notify_systems.email_notification`."""

    Config = EmailConfig

    async def execute(self, config: EmailConfig, ctx: StepContext) -> StepResult:
        """Hand the notice to the outbox."""
        await ctx.notify(Notice(Channel.EMAIL, config.subject, config.message, config.to, config.cc))
        return StepResult(output={"channel": Channel.EMAIL.value})


def get_engine() -> EmailNotification:
    """Return the engine of `notify_systems.email_notification`."""
    return EmailNotification()
