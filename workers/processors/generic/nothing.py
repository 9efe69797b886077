"""Does nothing: a run of it proves key, limits, queue and workers without touching any provider."""

from __future__ import annotations

from attrs import frozen

from workers.ports import StepContext, StepResult


@frozen
class NothingConfig:
    """There is nothing to configure."""


class Nothing:
    """Engine of `generic.nothing`."""

    Config = NothingConfig

    async def execute(self, config: NothingConfig, ctx: StepContext) -> StepResult:  # noqa: ARG002 - the port's shape
        """Return at once."""
        return StepResult()


def get_engine() -> Nothing:
    """Return the engine of `generic.nothing`."""
    return Nothing()
