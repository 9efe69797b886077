"""The real procedures and pipeline of subscription costs, on the real warehouse."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen
from google.cloud import bigquery

from sandbox.bigquery.connect import PROJECT
from sandbox.bigquery.launch import Emulator
from tests.fakes.step_contexts import Heard, contexts
from tests.plugins.warehouse_desk import Desk, open_desk
from workers.catalog import Catalog
from workers.model.resolve import run_variables
from workers.ports import Row, StepContext, StepResult

PLANS, DAILY, FOCUS = "saas_subscription_plans", "saas_subscription_plan_costs_daily", "cost_data_standard_1_2"
_numbers = itertools.count()


def plan(name: str, **said: Any) -> Row:
    """A plan of 31 a month for one seat, but for what is said."""
    return {
        "org_slug": "acme",
        "subscription_id": name,
        "provider": "figma",
        "plan_name": "TEAM",
        "display_name": None,
        "status": "active",
        "start_date": date(2020, 1, 1),
        "end_date": None,
        "billing_cycle": "monthly",
        "currency": "USD",
        "seats": 1,
        "pricing_model": "PER_SEAT",
        "unit_price_usd": Decimal(31),
        "yearly_price_usd": None,
        "discount_type": None,
        "discount_value": None,
        "contract_id": None,
        "department": None,
        "updated_at": datetime(2024, 1, 10, 9, tzinfo=UTC),
        **said,
    }


@frozen
class Books:
    """An organisation's plans and what they cost."""

    bq: Any
    desk: Desk
    catalog: Catalog
    heard: Heard
    make: Callable[..., StepContext]

    async def keep(self, plans: Sequence[Row]) -> None:
        """Let these be all plans there are; they are the platform's, so the platform loads them."""
        table = self.catalog.schemas.table(PLANS)
        await self.make(date(2024, 1, 1)).warehouse.ensure(table)
        rows = [{name: _json(value) for name, value in one.items()} for one in plans]
        config = bigquery.LoadJobConfig(write_disposition="WRITE_TRUNCATE", create_disposition="CREATE_NEVER")
        job = await asyncio.to_thread(
            self.bq.load_table_from_json, rows, f"{PROJECT}.{self.desk.dataset}.{PLANS}", job_config=config
        )
        await asyncio.to_thread(job.result, timeout=20)

    def step(self, first: date, last: date, **changes: Any) -> tuple[Any, Any, StepContext]:
        """Return engine, config and context of the pipeline's step, as the runner makes them."""
        pipeline = self.catalog.pipelines["saas_subscription/costs/saas_cost"]
        ctx = evolve(self.make(first, last), **changes)
        given = {"start_date": first.isoformat(), "end_date": last.isoformat()}
        variables = run_variables(
            pipeline, org="acme", run_id=ctx.run_id, run_date=last, window=ctx.window, parameters=given
        )
        step = pipeline.steps[0]
        return self.catalog.engine(step.ps_type), self.catalog.config(step, variables), ctx

    async def run(self, first: date, last: date, **changes: Any) -> StepResult:
        """Run the step for days."""
        engine, config, ctx = self.step(first, last, **changes)
        result: StepResult = await engine.execute(config, ctx)
        return result

    async def costs(self) -> dict[str, dict[date, Decimal]]:
        """Daily costs by subscription."""
        found: dict[str, dict[date, Decimal]] = {}
        for name, day, cost in await self.desk.rows(
            f"SELECT subscription_id, cost_date, daily_cost FROM {{dataset}}.{DAILY}"
        ):
            found.setdefault(name, {})[day] = cost
        return found


def _json(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value


async def sync(desk: Desk, catalog: Catalog) -> None:
    """Write every procedure."""
    for procedure in catalog.procedures.in_order(one.name for one in catalog.procedures.all()):
        await desk.warehouses.routines().write(procedure)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load(Path("configs"))


@pytest.fixture(scope="module")
async def books(
    emulator: Emulator, bq: Any, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Books]:
    """One dataset for the tests of a file."""
    name = f"acme_saas_{next(_numbers)}_local"
    await asyncio.to_thread(bq.create_dataset, name)
    async with open_desk(emulator.rest, name, tmp_path_factory.mktemp("saas") / "spool") as desk:
        await sync(desk, catalog)
        heard = Heard()
        yield Books(bq, desk, catalog, heard, contexts(desk, catalog, heard))
