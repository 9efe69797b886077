"""A PipelineService that only records which calls reached it; a test may say what a method does instead."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from attrs import define, field
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc, run_pb2

from server.call import Call


@define(eq=False)
class RecordingPipelines(pipelines_pb2_grpc.PipelineServiceServicer):
    reached: list[Call] = field(factory=list)
    instead: Callable[[Any, Call], Any] | None = None
    follow: Callable[[Any, Call], AsyncIterator[run_pb2.RunEvent]] | None = None

    async def _answer(self, request: Any, call: Call, default: Any) -> Any:
        self.reached.append(call)
        return default if self.instead is None else await self.instead(request, call)

    async def RunPipeline(self, request: Any, call: Call) -> Any:  # noqa: N802 - the contract's name
        return await self._answer(request, call, pipelines_pb2.RunPipelineResponse(run_id="run-1"))

    async def GetRun(self, request: Any, call: Call) -> Any:  # noqa: N802 - likewise
        return await self._answer(request, call, run_pb2.Run(run_id=request.run_id))

    async def WatchRun(self, request: Any, call: Call) -> AsyncIterator[run_pb2.RunEvent]:  # noqa: N802 - likewise
        self.reached.append(call)
        if self.follow is not None:
            async for event in self.follow(request, call):
                yield event
