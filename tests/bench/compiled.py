"""The load tool, load.c: built when the bench begins, so that the load takes as little of the cores as it can."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

SOURCE = Path(__file__).with_name("load.c")
CONNECTIONS = 8


@frozen
class Told:
    """What the tool says of its calls."""

    seconds: tuple[float, ...]
    took: float
    cpu: float


@contextmanager
def built() -> Iterator[Path | None]:
    """Build the tool and hand on where it is; None, having said why, where that cannot be done."""
    compiler = shutil.which("cc")
    with tempfile.TemporaryDirectory(prefix="bench-load-") as folder:
        tool = Path(folder) / "load"
        said = "there is no C compiler" if compiler is None else _build(compiler, tool)
        if said:
            print(f"the load comes from Python, on the same cores: {said}", flush=True)
        yield None if said else tool


def _build(compiler: str, tool: Path) -> str:
    command = [compiler, "-O2", "-o", str(tool), str(SOURCE), "-lnghttp2"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    return "load.c does not build; is libnghttp2-dev installed?" if made.returncode else ""


async def run_tool(tool: Path, address: str, lines: str, callers: int) -> Told:
    """Send what the lines say from so many callers; raises RuntimeError when a call was not answered well."""
    host, _, port = address.partition(":")
    connections = min(CONNECTIONS, callers)
    with tempfile.NamedTemporaryFile("w", suffix=".requests") as file:
        file.write(lines)
        file.flush()
        arguments = (host, port, str(connections), str(callers // connections), file.name)
        process = await asyncio.create_subprocess_exec(tool, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said, complained = await process.communicate()
    if process.returncode:
        raise RuntimeError(complained.decode())
    first, *rest = said.decode().splitlines()
    _, failed, took, cpu = first.split()
    if int(failed):
        raise RuntimeError(f"{failed} calls were not answered well")
    return Told(tuple(int(line) / 1e6 for line in rest), float(took), float(cpu))
