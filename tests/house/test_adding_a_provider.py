"""The guide to adding a provider, followed word for word in a copy of the tree; its host alone is then on loopback."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen
from click.testing import CliRunner

from server.cli import main
from tests.fakes.hostile_provider import HostileProvider, text
from tests.fakes.step_bench import Bench
from tests.unit.rest.desk import FakeClock
from workers import processors
from workers.catalog import Catalog
from workers.model.failure import FailedError, Reason
from workers.model.page import Endpoint
from workers.model.secret import Secret
from workers.ports import StepResult, Wiring
from workers.rest import Egress, RestReader

GUIDE = Path("docs/ADDING_A_PROVIDER.md").read_text()
MARKED = re.compile(r"^<!-- (new: |added to: |shell)(\S*) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIRST, LAST = date(2025, 6, 1), date(2025, 6, 2)


@frozen
class Followed:
    """A copy of the tree in which the guide was followed, and the provider on loopback."""

    root: Path
    provider: HostileProvider
    outputs: list[str]

    @property
    def allowed(self) -> str:
        return f"127.0.0.1:{self.provider.port}"

    async def run(self, bench: Bench, reader: RestReader) -> StepResult:
        """Run the step of the guide's pipeline."""
        catalog = bench.catalog
        step = catalog.pipelines["lumen/usage"].steps[0]

        async def secret(_name: str, _key: str = "") -> Secret:
            return Secret("lum-canary")

        async def take(*_: Any) -> float:
            return 0.0

        async def receipt(*_: Any) -> None:
            return

        async with reader.open(Wiring(secret, take, receipt, "acme")) as reading:
            ctx = bench.context(FIRST, LAST, step=step, reading=reading, endpoint=self._endpoint(catalog))
            return await catalog.engine(step.ps_type).execute(catalog.config(step, {}), ctx)

    def _endpoint(self, catalog: Catalog) -> Callable[[str], Endpoint]:
        return lambda name: evolve(catalog.endpoint(name), base_url=f"{self.provider.url}/v1")


@pytest.fixture
async def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Followed]:
    shutil.copytree("configs", tmp_path / "configs")
    (tmp_path / "workers").mkdir()
    monkeypatch.setattr(processors, "__path__", [*processors.__path__, str(tmp_path / "workers/processors")])
    async with HostileProvider() as provider:
        outputs: list[str] = []
        followed = Followed(tmp_path, provider, outputs)
        for manner, path, said in MARKED.findall(GUIDE):
            _follow(followed, manner, path, said)
        yield followed
    for name in [name for name in sys.modules if name.startswith("workers.processors.lumen")]:
        del sys.modules[name]


def _follow(followed: Followed, manner: str, path: str, said: str) -> None:
    if manner != "shell":
        target = followed.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        before = target.read_text() if manner == "added to: " else ""
        target.write_text(before + said)
        return
    for line in said.splitlines():
        command, *words = shlex.split(line)
        if command == "pipelines":
            words = [str(followed.root / word) if word == "configs" else word for word in words]
            result = CliRunner().invoke(main, words)
            assert result.exit_code == 0, result.output
            followed.outputs.append(result.output)
        else:
            subprocess.run([command, *words], cwd=followed.root, check=True)


@pytest.fixture
def bench(followed: Followed) -> Bench:
    catalog = Catalog.load(followed.root / "configs")
    return Bench(catalog, lambda _read: [])


async def test_a_provider_that_is_added_by_the_guide_is_read_to_its_last_page(followed: Followed, bench: Bench) -> None:
    pages = (
        {"usage": [{"day": "2025-06-01", "model": "glow-1", "tokens": 7}], "next": "c2"},
        {"usage": [{"day": "2025-06-02", "model": "glow-1", "tokens": 9}], "next": None},
    )
    followed.provider.script("/v1/usage", *(text(json.dumps(page)) for page in pages))
    reader = RestReader(Egress.parse(followed.allowed), FakeClock(), lambda: 0.5)
    result = await followed.run(bench, reader)
    reader.close()
    [published] = bench.warehouse.published
    assert [(row["usage_date"], row["tokens"]) for row in published.rows] == [(FIRST, 7), (LAST, 9)]
    assert (result.rows, result.output["pages"], published.complete) == (2, 2, True)
    assert [heard.query.get("after") for heard in followed.provider.heard] == [None, "c2"]
    assert {heard.headers["authorization"] for heard in followed.provider.heard} == {"Bearer lum-canary"}


async def test_an_answer_that_the_guides_processor_cannot_read_publishes_nothing(
    followed: Followed, bench: Bench
) -> None:
    followed.provider.script("/v1/usage", text('{"usage": [{"day": "yesterday", "model": "glow-1"}]}'))
    reader = RestReader(Egress.parse(followed.allowed), FakeClock(), lambda: 0.5)
    with pytest.raises(FailedError) as raised:
        await followed.run(bench, reader)
    reader.close()
    assert raised.value.failure.reason is Reason.PROVIDER_BAD_RESPONSE
    assert not bench.warehouse.published


async def test_what_the_guide_declares_is_sound_and_offered(followed: Followed, bench: Bench) -> None:
    assert [output.splitlines()[-1].endswith("pipelines are sound") for output in followed.outputs] == [True]
    offered = {parameter.name: parameter.values for parameter in _validate(bench.catalog)}
    assert "LUMEN" in offered["credential"]
    proof = bench.catalog.endpoint("LUMEN").proof
    assert proof
    assert proof.path == "/usage"


def _validate(catalog: Catalog) -> Any:
    return catalog.pipelines["integrations/credentials/validate"].parameters


def test_the_guide_is_short() -> None:
    assert len(GUIDE.splitlines()) <= 150
