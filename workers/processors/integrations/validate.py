"""Proves the stored credential of any provider that declares a call for it."""

from __future__ import annotations

from attrs import frozen

from workers.ports import StepContext, StepResult
from workers.processors.validation import OnRejected, validate


@frozen
class ValidateConfig:
    """Whose credential, and whether a credential that is not VALID fails the step, or only stands in its output."""

    provider: str
    on_rejected: OnRejected = "fail"


class Validate:
    """Engine of `integrations.validate`."""

    Config = ValidateConfig

    async def execute(self, config: ValidateConfig, ctx: StepContext) -> StepResult:
        """Try the stored credential and record the verdict."""
        return await validate(ctx, config.provider, config.on_rejected)


def get_engine() -> Validate:
    """Return the engine of `integrations.validate`."""
    return Validate()
