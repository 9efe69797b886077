"""Shows a step's progress to whoever watches, at most once a second."""

from __future__ import annotations

from workers.model.lease import Progressed
from workers.model.run import Progress
from workers.ports import Clock
from workers.runtime.recorder import Recorder


class ProgressGauge:
    """Journals what a step reports, unless it has just done so; the outcome carries the final counts."""

    def __init__(self, step_id: str, recorder: Recorder, clock: Clock, *, interval: float = 1.0) -> None:
        self._step_id = step_id
        self._recorder = recorder
        self._clock = clock
        self._interval = interval
        self._shown = -interval

    async def show(self, progress: Progress) -> None:
        """Take the counts so far."""
        now = self._clock.monotonic()
        if now - self._shown >= self._interval:
            self._shown = now
            await self._recorder.record(Progressed(self._step_id, progress))
