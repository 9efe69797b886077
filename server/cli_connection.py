"""How the command line reaches the service: given an endpoint and a key, hands on answers or refusals."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import grpc
from attrs import define, field, frozen
from datapipeline.v1 import pipelines_pb2_grpc, procedures_pb2_grpc, run_pb2, scheduler_pb2_grpc
from rich.console import Console

from server.cli_errors import refusal

CALL_SECONDS = 30
SYNC_SECONDS = 120  # BigQuery takes a second or so for each procedure
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PORTS = {"http": 80, "https": 443}
_PIPE_WIDTH = 240


@frozen
class Endpoint:
    """Where the service listens; TLS when it was given as https."""

    host: str
    port: int
    secure: bool = False

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read `http(s)://host[:port]` or `host:port`; ValueError says what is wrong."""
        parts = urlsplit(text if "://" in text else f"//{text}")
        if parts.scheme not in ("", *_PORTS) or not parts.hostname or "@" in parts.netloc or parts.path.strip("/"):
            raise ValueError("an endpoint is http(s)://HOST:PORT or HOST:PORT, and nothing else")
        port = parts.port or _PORTS.get(parts.scheme)
        if port is None:
            raise ValueError("the endpoint names no port")
        return cls(parts.hostname, port, parts.scheme == "https")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"

    def channel(self) -> grpc.Channel:
        """Open a channel; it connects with the first call."""
        target = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        options = [("grpc.primary_user_agent", "pipelines-cli")]
        if self.host in _LOOPBACK:
            options.append(("grpc.enable_http_proxy", 0))  # type: ignore[arg-type] # grpc takes numbers too
        if self.secure:
            return grpc.secure_channel(target, grpc.ssl_channel_credentials(), options)
        return grpc.insecure_channel(target, options)


def _plain_console() -> Console:
    """Return a console that does not wrap what another program reads."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPE_WIDTH)


@define(slots=False)
class Session:
    """One run of the command line; `pause` waits seconds between attempts to reconnect."""

    endpoint: Endpoint
    api_key: str
    root_key: str = ""
    pause: Callable[[float], None] = time.sleep
    console: Console = field(factory=_plain_console)

    @cached_property
    def _channel(self) -> grpc.Channel:
        return self.endpoint.channel()

    @cached_property
    def _stub(self) -> Any:
        return pipelines_pb2_grpc.PipelineServiceStub(self._channel)

    @cached_property
    def _scheduler(self) -> Any:
        return scheduler_pb2_grpc.SchedulerServiceStub(self._channel)

    @cached_property
    def _procedures(self) -> Any:
        return procedures_pb2_grpc.ProcedureServiceStub(self._channel)

    def close(self) -> None:
        """Close the channel, if one was opened."""
        if "_channel" in vars(self):
            self._channel.close()

    def call(self, method: str, request: Any, *, idempotency_key: str | None = None) -> Any:
        """Call a unary method of the PipelineService; RefusedError or UnreachableError when it says no."""
        metadata = self._metadata() + ((("idempotency-key", idempotency_key),) if idempotency_key else ())
        return self._call(getattr(self._stub, method), request, metadata)

    def schedule(self, method: str, request: Any) -> Any:
        """Call a method of the SchedulerService, likewise."""
        return self._call(getattr(self._scheduler, method), request, self._metadata())

    def procedure(self, method: str, request: Any) -> Any:
        """Call a method of the ProcedureService with the root key, likewise."""
        metadata = (("x-ca-root-key", self.root_key),) if self.root_key else ()
        return self._call(getattr(self._procedures, method), request, metadata, SYNC_SECONDS)

    def _call(
        self, method: Any, request: Any, metadata: tuple[tuple[str, str], ...], seconds: float = CALL_SECONDS
    ) -> Any:
        try:
            return method(request, timeout=seconds, metadata=metadata)
        except grpc.RpcError as error:
            raise refusal(error, str(self.endpoint)) from None

    def watch(self, request: Any) -> Iterator[run_pb2.RunEvent]:
        """Open the event stream once; grpc.RpcError when it breaks."""
        events: Iterator[run_pb2.RunEvent] = self._stub.WatchRun(request, metadata=self._metadata())
        return events

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("x-api-key", self.api_key),) if self.api_key else ()
