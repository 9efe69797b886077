"""The platform's tables while BigQuery is away, or answers and is not heard: what happened arrives once, and whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.runtime.test_publishing import TEXT, Office
from tests.fakes.bigquery_proxy import BigQueryProxy, Fault
from tests.fakes.workshop import Workshop
from tests.plugins.warehouse_desk import open_desk
from workers.catalog import Catalog

pytestmark = [pytest.mark.engine, pytest.mark.fault("F72")]


@pytest.fixture
async def office(shop: Workshop, proxy: BigQueryProxy, dataset: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_desk(proxy.url, dataset, tmp_path / "spool") as desk:
        catalog = Catalog.load(Path("configs"))
        await desk.warehouses.central().ensure(catalog.schemas.table("org_usage_quotas"))
        yield Office(shop, desk, catalog)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"drop": True, "times": None}, id="away"),
        pytest.param({"method": "POST", "path": r"/jobs\b", "drop": True, "after": True, "nth": 2}, id="not heard"),
        pytest.param({"method": "POST", "path": r"/jobs\b", "status": 503, "times": 4}, id="busy"),
    ],
)
async def test_what_piles_up_while_the_warehouse_is_away_arrives_once_when_it_is_back(
    office: Office, proxy: BigQueryProxy, fault: dict[str, Any]
) -> None:
    runs = [await office.shop.do(TEXT)]
    proxy.fail(Fault(**fault))
    await office.publisher().publish()
    runs.append(await office.shop.do(TEXT))
    await office.publisher().publish()
    proxy.heal()
    for _ in range(2):  # the batch that was interrupted first, under the name it had
        await office.publisher().publish()
    found = [row["pipeline_logging_id"] for row in await office.rows("org_meta_pipeline_runs")]
    assert sorted(found) == sorted(str(run.run_id) for run in runs)
    steps = await office.rows("org_meta_step_logs")
    assert len({(row["pipeline_logging_id"], row["step_name"]) for row in steps}) == len(steps) == 4
    assert await office.left() == 0
