"""The shipped step on the real warehouse, and an export in a project of its own beside it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, field, frozen

from sandbox.bigquery.connect import PROJECT as PLATFORM
from sandbox.bigquery.launch import Emulator
from sandbox.billing.export import Export, Row
from sandbox.billing.tables import add, create
from server.clock import SystemClock
from tests.fakes.clock import ManualClock
from tests.fakes.step_contexts import Heard, contexts
from tests.plugins.warehouse_desk import Desk, open_desk
from workers.adapters.bigquery import BigQuerySources
from workers.catalog import Catalog
from workers.model.credential import Credential
from workers.model.resolve import run_variables
from workers.model.secret import Secret
from workers.ports import Access, Schemas, Source, StepContext, StepResult

PROJECT = "acme-billing"
TABLE = "gcp_billing_daily_raw"
KEY_FILE = json.dumps(
    {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key": "-----",
        "client_email": f"reader@{PROJECT}.iam.gserviceaccount.com",
        "token_uri": "https://attacker.example",
    }
)
_numbers = itertools.count()


@frozen
class Granting:
    """The shipped schemas and SQL, and what an operator declared beside them."""

    _schemas: Schemas
    _granted: Mapping[str, Any]

    def text(self, path: str) -> str | None:
        assert path == "orgs/acme/billing_export.json"
        return json.dumps(self._granted)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._schemas, name)


@frozen
class Books:
    """An organisation, the exports of its accounts and what was copied of them. `today` is where the clock stands."""

    bq: Any
    desk: Desk
    catalog: Catalog
    sources: BigQuerySources
    heard: Heard
    dataset: str
    make: Any
    clock: ManualClock
    metadata: dict[str, Any]
    accounts: list[str] = field(factory=list)

    async def exported(self, export: Export, days: Iterable[date], rows: Iterable[Row] = ()) -> None:
        """Let days, or rows, come to an export, which is made when its first come."""
        path = f"{PROJECT}.{self.dataset}.{export.table}"
        stored = self.metadata.setdefault("billing_export", {"dataset": self.dataset, "tables": []})
        if export.table not in stored["tables"]:
            await asyncio.to_thread(create, self.bq, PROJECT, export, self.dataset)
            stored["tables"].append(export.table)
        arrived = [*(row for day in days for row in export.arrived(day)), *rows]
        await asyncio.to_thread(add, self.bq, path, export, arrived)

    async def run(self, first: date, last: date | None = None, **config: Any) -> StepResult:
        """Do the pipeline's step as the runner would."""
        pipeline = self.catalog.pipelines["gcp/cost/billing"]
        async with AsyncExitStack() as stack:

            async def opened(provider: str, project: str = "") -> Source:
                access = Access(provider, Secret(KEY_FILE), "https://token.example", project) if provider else Access()
                return await stack.enter_async_context(self.sources.open(access))

            ctx: StepContext = self.make(first, last, warehouse_as=opened, vault=self, clock=self.clock)
            days = {"start_date": first.isoformat(), "end_date": (last or first).isoformat()}
            variables = run_variables(
                pipeline, org="acme", run_id=ctx.run_id, run_date=ctx.run_date, window=ctx.window, parameters=days
            )
            step = pipeline.steps[0]
            declared = evolve(self.catalog.config(step, variables), **config)
            result: StepResult = await self.catalog.engine(step.ps_type).execute(declared, self._around(ctx, variables))
            return result

    def _around(self, ctx: StepContext, variables: Mapping[str, Any]) -> StepContext:
        granted = {**self.metadata.get("billing_export", {}), "project": PROJECT, "billing_accounts": self.accounts}
        schemas: Any = Granting(ctx.schemas, granted)
        return evolve(ctx, variables=variables, schemas=schemas)

    async def stored(self, provider: str) -> Credential:
        """Keep `Vault.stored`."""
        return Credential("c", provider, Secret(KEY_FILE), metadata=self.metadata)

    async def kept(self) -> Mapping[date, tuple[int, Decimal, Decimal]]:
        """What was copied: rows, cost and credits by day of usage."""
        rows = await self.desk.rows(
            "SELECT DATE(usage_start_time) AS day, COUNT(*) AS n, SUM(cost) AS cost, SUM(credits_total) AS credits"
            f" FROM {{dataset}}.{TABLE} GROUP BY day"
        )
        return {day: (count, cost, given) for day, count, cost, given in rows}


def summed(rows: Iterable[Row]) -> Mapping[date, tuple[int, Decimal, Decimal]]:
    """The same by hand: each number of the export rounded to nine places, then added up."""
    found: dict[date, tuple[int, Decimal, Decimal]] = {}
    for row in rows:
        day = datetime.fromisoformat(row["usage_start_time"]).date()
        count, cost, before = found.get(day, (0, Decimal(0), Decimal(0)))
        given = sum((nine(one["amount"]) for one in row.get("credits", ())), Decimal(0))
        found[day] = (count + 1, cost + nine(row["cost"]), before + given)
    return found


def nine(value: float) -> Decimal:
    """A number of the export as NUMERIC."""
    return Decimal(repr(value)).quantize(Decimal("1e-9"))


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load(Path("configs"))


@pytest.fixture
async def books(emulator: Emulator, bq: Any, catalog: Catalog, tmp_path: Path) -> AsyncIterator[Books]:
    name = f"acme_gcp_{next(_numbers)}_local"
    await asyncio.to_thread(bq.create_dataset, name)
    async with open_desk(emulator.rest, name, tmp_path / "spool") as desk:
        heard = Heard()
        sources = BigQuerySources(
            SystemClock(), lambda: 0.01, lambda: f"t{next(_numbers)}", emulator.rest, PLATFORM, page_rows=100
        )
        clock = ManualClock()
        make = contexts(desk, catalog, heard)
        yield Books(bq, desk, catalog, sources, heard, f"export_{name}", make, clock, {})
