"""Google's published list, broken in every way: refused in a class of its own, or every instance of it a row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from tests.fakes import hostile_provider as hostile
from tests.fakes.listed_warehouse import ListedWarehouse
from tests.fakes.mutations import BROKEN, Broken
from tests.fakes.rows_of import refused_as_bigquery_would
from tests.unit.processors.gcp.conftest import Bench
from tests.unit.processors.gcp.test_compute_instances import EXAMPLE, PATH, PIPELINE
from workers.model.failure import FailedError, Failure, Reason

REFUSED = {Reason.PROVIDER_BAD_RESPONSE, Reason.DATA_INVALID}


def listed(body: bytes) -> list[Any]:
    """The instances that a page lists, wherever they stand."""
    scopes = json.loads(body).get("items") or {}
    return [one for scope in scopes.values() for one in scope.get("instances") or ()]


async def refusal(bench: Bench) -> Failure | None:
    try:
        await bench.run(PIPELINE)
    except FailedError as error:
        return error.failure
    return None


@pytest.mark.fault("F44")
@pytest.mark.item("H114", "H115")
@given(broken=BROKEN)
@example(broken=Broken([]))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_broken_list_is_refused_or_read_as_it_is_and_never_in_part(bench: Bench, broken: Broken) -> None:
    body = broken.text(EXAMPLE)
    bench.warehouse = ListedWarehouse(check=refused_as_bigquery_would)
    bench.provider.script(PATH, hostile.answer(body), hostile.text("{}"))
    failure = await refusal(bench)
    rows = [row for done in bench.warehouse.published for row in done.rows]
    if failure is not None:
        assert failure.reason in REFUSED
        assert rows == []
    else:
        assert len(rows) == len(listed(body))
