"""What a step leaves for a later attempt of itself: the processor's state, and how much patience is used up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from workers.model.lease import Checkpointed
from workers.model.patience import Patience, state_of
from workers.model.publishing import KMS_OPERATIONS
from workers.model.quality import OUTPUT, Audited
from workers.model.run import StepRun
from workers.runtime.recorder import Recorder


@define
class Memory:
    """The latest of both, journalled together; what audits found, and KMS operations."""

    step_id: str
    recorder: Recorder
    state: Mapping[str, Any]
    patience: Patience
    audited: dict[str, Audited] = field(factory=dict)
    kms_operations: int = 0

    @classmethod
    def of(cls, step: StepRun, recorder: Recorder) -> Self:
        """Take up what an earlier attempt left."""
        return cls(step.step_id, recorder, state_of(step.checkpoint), Patience.kept_in(step.checkpoint))

    async def keep(self, state: Mapping[str, Any]) -> None:
        """Journal a processor's state."""
        self.state = state
        await self._write()

    def hear(self, audited: Audited) -> None:
        """Take up what an audit found; what this attempt publishes into one table counts together."""
        before = self.audited.get(audited.table)
        self.audited[audited.table] = before.joined(audited) if before else audited

    @property
    def told(self) -> Mapping[str, Any]:
        """What a step's output keeps beside what its processor says: what audits found, and KMS operations."""
        audits = {OUTPUT: [one.shown() for one in self.audited.values()]} if self.audited else {}
        return audits | ({KMS_OPERATIONS: self.kms_operations} if self.kms_operations else {})

    async def wait(self, seconds: float) -> None:
        """Journal that the step is going to wait."""
        self.patience = self.patience.waiting(seconds)
        await self._write()

    async def _write(self) -> None:
        await self.recorder.record(Checkpointed(self.step_id, self.patience.beside(self.state)))
