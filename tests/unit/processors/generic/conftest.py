"""Steps of the generic extractor on the real reader and a provider on loopback; only the warehouse is a list."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from attrs import define, evolve, field
from structlog import get_logger

from tests.fakes.hostile_provider import HostileProvider
from tests.fakes.listed_warehouse import ListedWarehouse, Publication
from tests.unit.rest.desk import FakeClock
from workers.catalog import Catalog
from workers.model.bookmark import Bookmark
from workers.model.page import Receipt
from workers.model.resolve import run_variables
from workers.model.run import Progress
from workers.model.secret import Secret
from workers.model.window import DateWindow
from workers.ports import Row, StepContext, StepResult, Wiring
from workers.rest import Egress, RestReader

SYSTEM = Path("configs/system")
DAY = date(2025, 6, 3)
USERS = """\
{"table": "vendor_users_raw", "description": "Users.", "columns": [
  {"name": "id", "type": "INT64", "mode": "REQUIRED", "description": "Id"},
  {"name": "name", "type": "STRING", "description": "Name"},
  {"name": "born", "type": "DATE", "description": "Day of birth"},
  {"name": "extracted_at", "type": "TIMESTAMP", "description": "When"},
  {"name": "raw_data", "type": "JSON", "description": "As it came"}
]}
"""


@define(eq=False)
class Bench:
    """A pipeline of one step, and everything around it. `secrets` are what the organisation has stored."""

    folder: Path
    provider: HostileProvider
    reader: RestReader
    warehouse: ListedWarehouse = field(factory=ListedWarehouse)
    clock: FakeClock = field(factory=FakeClock)
    secrets: dict[str, str] = field(factory=lambda: {"VENDOR_API": "canary-key"})
    looked_up: list[str] = field(factory=list)
    receipts: list[Receipt] = field(factory=list)
    taken: list[tuple[str, float, int]] = field(factory=list)
    messages: list[str] = field(factory=list)
    progress: list[Progress] = field(factory=list)
    window: DateWindow = field(factory=lambda: DateWindow(DAY, DAY))
    bookmark: Bookmark = field(factory=Bookmark)
    force_refresh: bool = False

    def declare(
        self,
        config: str,
        schema: str = USERS,
        path: str = "vendor/users_extract",
        ps_type: str = "generic.api_extractor",
    ) -> None:
        """Write a pipeline of one step; `{url}` stands for the provider's."""
        body = textwrap.indent(textwrap.dedent(config).replace("{url}", self.provider.url), " " * 6)
        step = f"steps:\n  - step_id: extract_users\n    ps_type: {ps_type}\n    config:\n{body}\n"
        self.write(f"{path}.yml", step)
        self.write("vendor/schemas/vendor_users_raw.json", schema)

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def catalog(self) -> Catalog:
        return Catalog.load(self.folder, egress_allow=frozenset({f"127.0.0.1:{self.provider.port}"}))

    async def run(self, path: str = "vendor/users_extract") -> StepResult:
        """Do the step as the runner would."""
        catalog = self.catalog()
        pipeline = catalog.pipelines[path]
        step = pipeline.steps[0]
        variables = run_variables(
            pipeline, org="acme", run_id=UUID(int=1), run_date=DAY, window=self.window, parameters={}
        )
        async with self.reader.open(self.wiring()) as reading:
            ctx = StepContext(
                org="acme",
                run_id=UUID(int=1),
                run_date=DAY,
                window=self.window,
                step=step,
                variables=variables,
                schemas=catalog.schemas,
                reading=reading,
                **self._parts(),
            )
            result = await catalog.engine(step.ps_type).execute(catalog.config(step, variables), ctx)
        if result.bookmark is not None and result.bookmark.version == self.bookmark.version:
            self.bookmark = evolve(result.bookmark, version=self.bookmark.version + 1)
        return result

    def _parts(self) -> dict[str, Any]:
        async def message(text: str) -> None:
            self.messages.append(text)

        async def progress(further: Progress) -> None:
            self.progress.append(further)

        async def bookmark() -> Bookmark:
            return self.bookmark

        anything: Any = self
        return {
            "warehouse": self.warehouse,
            "secret": self.secret,
            "vault": anything,
            "endpoint": lambda name: evolve(self.catalog().endpoint(name), base_url=f"{self.provider.url}/v1"),
            "checkpoint": anything,
            "warehouse_as": anything,
            "notify": anything,
            "progress": progress,
            "message": message,
            "log": get_logger(),
            "clock": self.clock,
            "bookmark": bookmark,
            "force_refresh": self.force_refresh,
        }

    async def secret(self, name: str, _secret_key: str = "") -> Secret:
        self.looked_up.append(name)
        return Secret(self.secrets[name])

    def wiring(self) -> Wiring:
        async def take(key: str, per_minute: float, burst: int) -> float:
            self.taken.append((key, per_minute, burst))
            return 0.0

        async def receipt(done: Receipt) -> None:
            self.receipts.append(done)

        return Wiring(self.secret, take, receipt, "acme")

    @property
    def rows(self) -> list[Row]:
        """All that was published."""
        return [row for publication in self.warehouse.published for row in publication.rows]

    @property
    def publication(self) -> Publication:
        """The one thing that was published."""
        [found] = self.warehouse.published
        return found

    def columns(self, *names: str) -> list[tuple[Any, ...]]:
        return [tuple(row.get(name) for name in names) for row in self.rows]


@pytest.fixture
async def provider() -> AsyncIterator[HostileProvider]:
    async with HostileProvider() as provider:
        yield provider


@pytest.fixture
async def bench(provider: HostileProvider, tmp_path: Path) -> AsyncIterator[Bench]:
    shutil.copytree(SYSTEM, tmp_path / "configs" / "system", ignore=shutil.ignore_patterns("procedures", "schemas"))
    clock = FakeClock()
    reader = RestReader(Egress.parse(f"127.0.0.1:{provider.port}"), clock, lambda: 0.5)
    yield Bench(tmp_path / "configs", provider, reader, clock=clock)
    reader.close()
