"""Following a run: given how to open its event stream, hands on every event once, over lost connections, to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
from attrs import define
from datapipeline.v1 import pipelines_pb2, run_pb2

from server.cli_errors import UNREACHABLE, Details, RefusedError

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
_LOST = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


@define
class Watch:
    """The events of one run past `after`; `lost` is told before each attempt to go on, with its number."""

    open: Callable[[Any], Iterator[run_pb2.RunEvent]]
    run_id: str
    pause: Callable[[float], None]
    lost: Callable[[int], None]
    after: int = 0

    def events(self) -> Iterator[run_pb2.RunEvent]:
        """Yield new events up to TERMINAL; grpc.RpcError when refused, RefusedError when the connection stays lost."""
        attempts = 0
        while True:
            for event in self._until_lost():
                attempts = 0
                if event.type == "HEARTBEAT" or event.sequence <= self.after:
                    continue
                self.after = event.sequence
                yield event
                if event.type == "TERMINAL":
                    return
            if attempts == len(PAUSES):
                raise self._given_up()
            attempts += 1
            self.lost(attempts)
            self.pause(PAUSES[attempts - 1])

    def _until_lost(self) -> Iterator[run_pb2.RunEvent]:
        """Yield from one connection; behind a proxy a break may look like an end, so both are the same here."""
        try:
            yield from self.open(pipelines_pb2.WatchRunRequest(run_id=self.run_id, after=self.after))
        except grpc.RpcError as error:
            if error.code() not in _LOST:
                raise

    def _given_up(self) -> RefusedError:
        goes_on = f"the run goes on; `pipelines watch {self.run_id} --after {self.after}` follows it again"
        return RefusedError("UNAVAILABLE", f"the connection is lost — {goes_on}", Details("UNREACHABLE"), UNREACHABLE)
