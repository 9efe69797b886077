"""A page of some API, broken in every way: refused in a class of its own, or every row kept as it came.

Once for a table that is declared, once for one that is made of the rows.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from tests.fakes import hostile_provider as hostile
from tests.fakes.listed_warehouse import ListedWarehouse
from tests.fakes.mutations import BROKEN, Broken
from tests.fakes.rows_of import refused_as_bigquery_would
from tests.unit.processors.generic.conftest import USERS, Bench
from workers.model.failure import FailedError, Failure, Reason

REFUSED = {Reason.PROVIDER_BAD_RESPONSE, Reason.DATA_INVALID}
ROW = {"id": 1, "name": "Ada", "born": "1910-01-31", "address": {"city": "Ulm", "lines": ["a", "b"]}, "paid": 12.5}
PAGE = {"data": [ROW, ROW | {"id": 2, "name": None}, {"id": 3, "tags": ["x"], "since": 1748736000}], "next": None}
CONFIG = """\
url: "{url}/v1/users"
data_path: data
pagination: {type: cursor, param: after, response_path: next}
destination: {table: TABLE}
"""


async def refusal(bench: Bench) -> Failure | None:
    try:
        await bench.run()
    except FailedError as error:
        return error.failure
    return None


@pytest.mark.fault("F44")
@pytest.mark.item("H114", "H115")
@pytest.mark.parametrize("table", ["vendor_users_raw", "vendor_made_raw"])
@given(broken=BROKEN)
@example(broken=Broken([]))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_broken_page_is_refused_or_kept_row_by_row(bench: Bench, table: str, broken: Broken) -> None:
    body = broken.text(PAGE)
    for kept in (bench.provider.heard, bench.receipts, bench.taken, bench.progress, bench.messages):
        kept.clear()
    bench.warehouse = ListedWarehouse(check=refused_as_bigquery_would)
    bench.declare(CONFIG.replace("TABLE", table), USERS)
    bench.provider.script("/v1/users", hostile.answer(body), hostile.text('{"data": []}'))
    failure = await refusal(bench)
    if failure is None:
        assert [row["raw_data"] for row in bench.rows] == said(body)
    else:
        assert failure.reason in REFUSED, failure
        assert bench.warehouse.published == []


def said(body: bytes) -> list[Any]:
    """The rows of the page, with every digit."""
    found: list[Any] = json.loads(body, parse_float=Decimal)["data"]
    return found
