"""Sends a message to Slack about the run when it has ended; `trigger` says for which ends."""

from __future__ import annotations

from attrs import field, frozen

from workers.model.notice import Channel, Notice
from workers.ports import StepContext, StepResult
from workers.processors.notify_systems.templates import names_facts


@frozen
class SlackConfig:
    """What to say, where it is not the usual text; it may name the facts of `model.notice`."""

    subject: str = field(default="", validator=names_facts)
    message: str = field(default="", validator=names_facts)


class SlackNotification:
    """Engine of `notify_systems.slack_notification`."""

    Config = SlackConfig

    async def execute(self, config: SlackConfig, ctx: StepContext) -> StepResult:
        """Hand the notice to the outbox."""
        await ctx.notify(Notice(Channel.SLACK, config.subject, config.message))
        return StepResult(output={"channel": Channel.SLACK.value})


def get_engine() -> SlackNotification:
    """Return the engine of `notify_systems.slack_notification`."""
    return SlackNotification()
