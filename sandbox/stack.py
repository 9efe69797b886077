"""The whole local stack as one process tree: starts parts side by side, seeds, watches, restarts, stops."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from attrs import define, field, frozen

from sandbox.bigquery.connect import PROJECT
from sandbox.bigquery.launch import Emulator
from sandbox.edge import Edge
from sandbox.leftovers import end_leftovers
from sandbox.parts import Part, alive, free_port
from sandbox.postgres import Postgres
from sandbox.procedures import sync_procedures
from sandbox.providers import PROVIDERS
from sandbox.secrets import SandboxSecrets
from sandbox.seed import Seeding
from sandbox.service import Service

MANIFEST = "sandbox.json"
WATCH_SECONDS = 0.2
LONGEST_BACKOFF = 2.0
FORGIVEN_AFTER = 60.0
READY_SECONDS = 30.0


class AlreadyRunningError(RuntimeError):
    """Another sandbox uses the data directory."""


class NotStartedError(RuntimeError):
    """Something did not start; the text says what, in the words of each part."""


@frozen
class Options:
    """Where everything is kept, which ports are asked for (0 is any), and which organisations are seeded."""

    data_dir: Path
    port: int = 0
    grpc_port: int = 0
    metrics_port: int = 0
    orgs: tuple[str, ...] = ("acme",)
    environment: Mapping[str, str] = field(factory=dict)


@define
class Stack:
    """What runs, by name, and how to reach it.

    `environment` is what the service is told, `chosen` the part of it that the stack decides.
    """

    options: Options
    secrets: SandboxSecrets
    parts: dict[str, Part] = field(factory=dict)
    environment: dict[str, str] = field(factory=dict)
    chosen: dict[str, str] = field(factory=dict)
    _watch: asyncio.Task[None] | None = None

    @property
    def edge(self) -> Edge:
        """The Envoy in front."""
        edge = self.parts["envoy"]
        assert isinstance(edge, Edge)  # noqa: S101 - narrows the type
        return edge

    @property
    def manifest_path(self) -> Path:
        """Where what runs is written down."""
        return self.options.data_dir / MANIFEST

    async def start(self) -> None:
        """Start everything and return when a run could be submitted.

        When something does not start, stop it all and raise NotStartedError.
        """
        try:
            await self._start()
        except Exception as error:
            await self.stop()
            raise NotStartedError("\n".join(_said(error))) from error
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.create_task(self._keep(), name="sandbox-watch")

    async def _start(self) -> None:
        folder = self.options.data_dir
        emulator = Emulator(folder / "bigquery", rest_port=free_port(), grpc_port=free_port())
        postgres = Postgres(folder / "postgres", port=free_port())
        self.parts |= {"postgres": postgres, "bigquery": emulator}
        for provider in PROVIDERS:
            if provider.simulated(self.options.environment):
                self.parts[provider.name] = provider.simulate(self.secrets.provider_keys[provider.slug], free_port())
        async with asyncio.TaskGroup() as group:
            for part in tuple(self.parts.values()):
                group.create_task(part.start())
        self.chosen = self._choices(postgres, emulator)
        self.environment = {**self.options.environment, **self.chosen}
        await Seeding(emulator.rest, folder / "kms.key", self.secrets).seed()
        service = Service(self.environment, folder / "service.log")
        listen = f"{self.environment['HOST']}:{self.environment['PORT']}"
        origins = ("--cors-origin", self.environment.get("CORS_ORIGINS", ""))
        upstream = f"127.0.0.1:{self.environment['GRPC_PORT']}"
        edge = Edge(upstream, folder / "envoy", listen, arguments=(*origins, "--seconds", "health_interval=0.2"))
        self.parts |= {"service": service, "envoy": edge}
        async with asyncio.TaskGroup() as group:
            group.create_task(service.start())
            group.create_task(edge.start())
        await self._until_ready()
        await sync_procedures(self.edge.rest, self.secrets.root_key)
        self._write_manifest()

    async def stop(self) -> None:
        """Stop everything, what was started last first."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait({self._watch})
        self.manifest_path.unlink(missing_ok=True)
        for name, part in reversed(tuple(self.parts.items())):
            try:
                await part.stop()
            except Exception as error:  # noqa: BLE001 - the others must stop all the same
                print(f"sandbox: {name} did not stop well: {error}", flush=True)

    def _choices(self, postgres: Postgres, emulator: Emulator) -> dict[str, str]:
        ports = {
            "PORT": self.options.port or free_port(),
            "GRPC_PORT": self.options.grpc_port or free_port(),
            "METRICS_PORT": self.options.metrics_port or free_port(),
        }
        given = dict(self.options.environment)
        urls = {name: url for provider in PROVIDERS for name, url in provider.urls(self.parts, given).items()}
        allowed = [*filter(None, given.get("EGRESS_ALLOW", "").split(",")), *_plain_http(*urls.values())]
        return {
            "ENVIRONMENT": "development",
            "HOST": given.get("HOST", "127.0.0.1"),
            **{name: str(port) for name, port in ports.items()},
            "DATA_DIR": str(self.options.data_dir),
            "GCP_PROJECT_ID": PROJECT,
            "JOURNAL_URL": postgres.url,
            "BIGQUERY_EMULATOR_HOST": emulator.rest,
            "BIGQUERY_STORAGE_EMULATOR_HOST": emulator.grpc,
            "CA_ROOT_API_KEY": self.secrets.root_key,
            **urls,
            "EGRESS_ALLOW": ",".join(dict.fromkeys(allowed)),
        }

    async def _until_ready(self) -> None:
        try:
            async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession(trust_env=False) as session:
                while not await _answers(session, f"{self.edge.rest}/health/ready"):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.05)
                # Readiness passes Envoy by; calls reach the service once Envoy has seen it serve, too.
                await self.edge.healthy()
        except TimeoutError:
            log = self.options.data_dir / "service.log"
            raise NotStartedError(f"the service was not ready within {READY_SECONDS:.0f} s; see {log}") from None

    async def _keep(self) -> None:
        deaths: dict[str, list[float]] = {}
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            for name, part in self.parts.items():
                if alive(part.pid):
                    continue
                now = asyncio.get_running_loop().time()
                deaths[name] = [*(at for at in deaths.get(name, ()) if at > now - FORGIVEN_AFTER), now]
                print(f"sandbox: {name} died and is started again", flush=True)
                await self._restart(part, len(deaths[name]))

    async def _restart(self, part: Part, failures: int) -> None:
        await asyncio.sleep(min(LONGEST_BACKOFF, 0.1 * 2 ** min(failures, 6)))
        try:
            await part.stop()
            await part.start()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look tries again
            print(f"sandbox: not started: {error}", flush=True)
        self._write_manifest()

    def manifest(self) -> dict[str, Any]:
        """Return what a caller needs to know: endpoints, keys, processes."""
        environment = self.environment
        return {
            "rest": self.edge.rest,
            "grpc": f"http://127.0.0.1:{environment['GRPC_PORT']}",
            "metrics": f"http://127.0.0.1:{environment['METRICS_PORT']}/metrics",
            "bigquery": environment["BIGQUERY_EMULATOR_HOST"],
            "journal": environment["JOURNAL_URL"],
            "root_key": self.secrets.root_key,
            "orgs": [
                {"slug": org, "api_key": key, "dataset": f"{org}_local"} for org, key in self.secrets.api_keys.items()
            ],
            "pids": {name: part.pid for name, part in self.parts.items()},
        }

    def _write_manifest(self) -> None:
        fresh = self.manifest_path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self.manifest(), file, indent=2)
        fresh.replace(self.manifest_path)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    with contextlib.suppress(aiohttp.ClientError):
        async with session.get(url) as answer:
            return answer.status == 200  # noqa: PLR2004 - OK
    return False


def _said(error: BaseException) -> Iterator[str]:
    """Yield what went wrong; parts start side by side, and so fail in groups."""
    if isinstance(error, BaseExceptionGroup):
        for fault in error.exceptions:
            yield from _said(fault)
    else:
        yield str(error) or type(error).__name__


@asynccontextmanager
async def running(options: Options) -> AsyncIterator[Stack]:
    """Run a stack; raises AlreadyRunningError when the data directory is in use, NotStartedError when a part fails."""
    options.data_dir.mkdir(parents=True, exist_ok=True)
    with _locked(options.data_dir / "sandbox.lock"):
        await asyncio.to_thread(end_leftovers, options.data_dir / MANIFEST)
        stack = Stack(options, SandboxSecrets.keep(options.data_dir, options.orgs, options.environment))
        await stack.start()
        try:
            yield stack
        finally:
            await stack.stop()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(f"another sandbox uses {path.parent}") from None
        yield


def _plain_http(*urls: str) -> list[str]:
    return [f"{parts.hostname}:{parts.port or 80}" for parts in map(urlsplit, urls) if parts.scheme == "http"]
