"""The README's checked blocks, run as a reader would paste them."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.plugins.sandbox import Running

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"<!-- checked -->\n```bash\n(.*?)```", re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / "README.md").read_text())

# A machine need not have curl; the flags are those of the README.
CURL = """#!{python}
import argparse, sys, urllib.request
parser = argparse.ArgumentParser()
parser.add_argument("-s", action="store_true")
parser.add_argument("-X", default="GET")
parser.add_argument("-H", action="append", default=[])
parser.add_argument("-d")
parser.add_argument("url")
given = parser.parse_args()
headers = dict(header.split(": ", 1) for header in given.H)
data = None if given.d is None else given.d.encode()
request = urllib.request.Request(given.url, data, headers, method=given.X)
print(urllib.request.urlopen(request).read().decode())
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    if shutil.which("curl") is None:
        curl = tmp_path / "curl"
        curl.write_text(CURL.format(python=sys.executable))
        curl.chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


def test_there_is_something_to_check() -> None:
    assert len(BLOCKS) == 1


@pytest.mark.parametrize("block", BLOCKS)
async def test_what_the_readme_says_can_be_pasted(sandbox: Running, path: str, block: str) -> None:
    key = sandbox.stack.secrets.api_keys["reader"]
    environment = {**os.environ, "PATH": path, "REST": sandbox.stack.edge.rest, "KEY": key}
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        block.replace("acme", "reader"),
        cwd=ROOT,
        env=environment,
        stdout=-1,
        stderr=-2,
    )
    output, _ = await process.communicate()
    sandbox.answers.keep(output)
    said = output.decode()
    assert process.returncode == 0, said
    assert '"code"' not in said
    assert "COMPLETED" in said
