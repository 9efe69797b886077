"""What a step leaves for a later attempt of itself: the processor's state, and how much patience is used up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define

from workers.model.lease import Checkpointed
from workers.model.patience import Patience, state_of
from workers.model.run import StepRun
from workers.runtime.recorder import Recorder


@define
class Memory:
    """The latest of both, journalled together."""

    step_id: str
    recorder: Recorder
    state: Mapping[str, Any]
    patience: Patience

    @classmethod
    def of(cls, step: StepRun, recorder: Recorder) -> Self:
        """Take up what an earlier attempt left."""
        return cls(step.step_id, recorder, state_of(step.checkpoint), Patience.kept_in(step.checkpoint))

    async def keep(self, state: Mapping[str, Any]) -> None:
        """Journal a processor's state."""
        self.state = state
        await self._write()

    async def wait(self, seconds: float) -> None:
        """Journal that the step is going to wait."""
        self.patience = self.patience.waiting(seconds)
        await self._write()

    async def _write(self) -> None:
        await self.recorder.record(Checkpointed(self.step_id, self.patience.beside(self.state)))
