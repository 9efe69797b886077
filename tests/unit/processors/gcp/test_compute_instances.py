from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import hostile_provider as hostile
from tests.unit.processors.gcp.conftest import Bench, page
from workers.model.failure import FailedError, Reason
from workers.model.window import DateWindow
from workers.ports import Reached

PIPELINE = "gcp/api/compute_instances"
PATH = "/compute/v1/projects/acme-prod/aggregated/instances"
EXAMPLE = json.loads(Path("tests/fixtures/google/compute_instances_aggregated_list.json").read_text())
NOTHING = {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": "There are no results."}}
GONE = {"warning": {"code": "UNREACHABLE", "message": "The zone is down."}}


def instances(*ids: str) -> dict[str, Any]:
    return {"instances": [{"id": number, "name": f"vm-{number}"} for number in ids]}


async def test_the_published_example_becomes_rows(bench: Bench) -> None:
    bench.provider.script(PATH, page(**EXAMPLE))
    result = await bench.run(PIPELINE)
    names = ("scope", "instance_id", "name", "zone", "machine_type", "status", "network_ip", "disk_count")
    assert bench.columns(*names) == [
        ("zones/us-central1-c", "1234567890", "iap-ig-79bj", "us-central1-c", "f1-micro", "RUNNING", "10.128.0.2", 1)
    ]
    assert bench.columns("created_at") == [(datetime(2017, 5, 27, 5, 8, 11, 94000, tzinfo=UTC),)]
    assert result.output["complete"]
    assert result.output["scopes"] == 3


async def test_a_row_keeps_the_resource_and_says_where_it_is_from(bench: Bench) -> None:
    bench.provider.script(PATH, page(**EXAMPLE))
    await bench.run(PIPELINE)
    [(raw, project, day, at, digest)] = bench.columns(
        "raw_data", "gcp_project_id", "snapshot_date", "extracted_at", "source_hash"
    )
    assert raw == EXAMPLE["items"]["zones/us-central1-c"]["instances"][0]
    assert (project, day, at) == ("acme-prod", date(2026, 5, 1), bench.clock.now())
    assert len(digest) == 64


async def test_pages_are_read_until_there_is_no_token_for_another(bench: Bench) -> None:
    bench.provider.script(
        PATH,
        page(items={"zones/a": instances("1"), "zones/b": NOTHING}, nextPageToken="p2"),
        page(items={"zones/a": NOTHING, "zones/b": NOTHING}, nextPageToken="p3"),
        page(nextPageToken="p4"),
        page(items={"zones/a": instances("2"), "zones/b": instances("3")}),
    )
    result = await bench.run(PIPELINE)
    assert bench.columns("scope", "instance_id") == [("zones/a", "1"), ("zones/a", "2"), ("zones/b", "3")]
    assert [query.get("pageToken") for query in bench.asked(PATH)] == [None, "p2", "p3", "p4"]
    assert (result.rows, result.output["pages"]) == (3, 4)


async def test_what_is_asked_for_is_what_the_pipeline_declares(bench: Bench) -> None:
    other = "/compute/v1/projects/other-project/aggregated/instances"
    bench.provider.script(other, page(items={}))
    await bench.run(PIPELINE, project_id="other-project")
    assert bench.asked(other) == [{"returnPartialSuccess": "true", "maxResults": "500"}]


async def test_a_snapshot_replaces_that_of_the_same_day_and_project(bench: Bench) -> None:
    bench.provider.script(PATH, page(items={"zones/a": instances("1")}))
    await bench.run(PIPELINE)
    publication = bench.publication
    assert publication.window == DateWindow(date(2026, 5, 1), date(2026, 5, 1))
    assert (publication.scope, publication.keys) == ({"gcp_project_id": "acme-prod"}, ("instance_id",))
    assert (publication.complete, publication.reached) == (True, None)


async def test_an_empty_project_empties_its_snapshot(bench: Bench) -> None:
    bench.provider.script(PATH, page(kind="compute#instanceAggregatedList"))
    await bench.run(PIPELINE)
    assert (bench.publication.rows, bench.publication.complete) == ([], True)


@pytest.mark.parametrize(
    ("pages", "reached"),
    [
        ([{"items": {"zones/a": instances("1"), "zones/b": GONE}}], ("zones/a",)),
        (
            [{"items": {"zones/a": instances("1"), "zones/b": NOTHING}, "unreachables": ["projects/p/zones/b"]}],
            ("zones/a",),
        ),
        (
            [
                {"items": {"zones/a": instances("1"), "zones/b": instances("2")}, "nextPageToken": "x"},
                {"items": {"zones/b": GONE}, "warning": {"code": "PARTIAL_SUCCESS"}},
            ],
            ("zones/a",),
        ),
        ([{"items": {"zones/a": instances("1")}, "warning": {"code": "UNREACHABLE"}}], ("zones/a",)),
        ([{"unreachables": ["zones/a"]}], ()),
    ],
)
async def test_of_an_answer_that_is_not_whole_only_the_reached_zones_are_replaced(
    bench: Bench, pages: list[dict[str, Any]], reached: tuple[str, ...]
) -> None:
    bench.provider.script(PATH, *(page(**one) for one in pages))
    result = await bench.run(PIPELINE)
    publication = bench.publication
    assert (publication.complete, publication.reached) == (False, Reached("scope", reached))
    assert not result.output["complete"]
    assert "is not whole" in bench.messages[0]


async def test_what_could_not_be_reached_is_named(bench: Bench) -> None:
    bench.provider.script(PATH, page(items={"zones/b": GONE}, unreachables=["zones/c"]))
    result = await bench.run(PIPELINE)
    assert result.output["unreachable"] == ["zones/b", "zones/c"]
    assert result.output["warnings"] == {"UNREACHABLE": 1}
    assert "zones/b, zones/c" in bench.messages[0]


async def test_a_warning_of_another_kind_is_told_but_makes_nothing_incomplete(bench: Bench) -> None:
    bench.provider.script(PATH, page(items={"zones/a": {"warning": {"code": "DEPRECATED_TYPE_USED"}}}))
    result = await bench.run(PIPELINE)
    assert (result.output["complete"], result.output["warnings"]) == (True, {"DEPRECATED_TYPE_USED": 1})


@pytest.mark.parametrize(
    "answer",
    [
        {"items": {"zones/a": []}},
        {"items": {"zones/a": {"instances": {}}}},
        {"items": {"zones/a": {"instances": [1]}}},
        {"items": [1]},
        {"unreachables": "zones/a"},
        {"unreachables": [1]},
    ],
)
async def test_an_answer_of_another_shape_is_refused(bench: Bench, answer: dict[str, Any]) -> None:
    bench.provider.script(PATH, page(**answer))
    with pytest.raises(FailedError) as caught:
        await bench.run(PIPELINE)
    assert caught.value.failure.reason is Reason.PROVIDER_BAD_RESPONSE
    assert not bench.warehouse.published


async def test_a_value_that_does_not_fit_names_its_row_and_column_and_not_itself(bench: Bench) -> None:
    bad = {"id": "2", "creationTimestamp": "canary"}
    bench.provider.script(PATH, page(items={"zones/a": {"instances": [{"id": "1"}, bad]}}))
    with pytest.raises(FailedError, match=r"row 2 of page 1: column created_at is a text, not a time") as caught:
        await bench.run(PIPELINE)
    assert "canary" not in str(caught.value)


async def test_a_failure_of_the_provider_leaves_the_table_alone(bench: Bench) -> None:
    error = {"error": {"status": "PERMISSION_DENIED", "details": [{"reason": "SERVICE_DISABLED"}]}}
    bench.provider.script(
        PATH,
        page(items={"zones/a": instances("1")}, nextPageToken="p2"),
        hostile.answer(json.dumps(error).encode(), "403 Forbidden"),
    )
    with pytest.raises(FailedError, match=r"answered 403 SERVICE_DISABLED: the credential is not accepted"):
        await bench.run(PIPELINE)
    assert not bench.warehouse.published


@pytest.mark.parametrize("project", ["Acme", "a/b", "../x", "a b", "x?y"])
async def test_what_is_no_project_is_refused(bench: Bench, project: str) -> None:
    with pytest.raises(FailedError, match="project_id is not the id of a project"):
        await bench.run(PIPELINE, project_id=project)
    assert not bench.provider.heard
