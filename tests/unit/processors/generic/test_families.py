from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest

from tests.fakes.hostile_provider import Heard, answer, by_request, hang, rows
from tests.unit.processors.generic.conftest import Bench
from workers.model.failure import FailedError, Reason
from workers.model.page import Page, Receipt
from workers.processors.generic.sink import Sink
from workers.processors.generic.targets import Target

CHILDREN = """\
url: "{url}/v1/projects/:project/users"
data_path: data
params: {owner: ":owner", size: 5}
pagination: {type: cursor, param: after, response_path: next}
parent:
  url: "{url}/v1/projects"
  data_path: data
  fields: {project: id, owner: owner.name}
  include: [project]
destination: {table: vendor_members_raw}
"""


def project(number: Any, owner: str = "ada") -> dict[str, Any]:
    return {"id": number, "owner": {"name": owner}}


def script(bench: Bench, projects: list[Any], **pages: Any) -> None:
    bench.provider.script("/v1/projects", rows(*projects))
    for name, page in pages.items():
        bench.provider.script(f"/v1/projects/{name.removeprefix('p')}/users", *page)


async def refused(bench: Bench) -> FailedError:
    with pytest.raises(FailedError) as raised:
        await bench.run()
    assert bench.warehouse.published == []
    return raised.value


async def test_children_are_read_for_every_parent_with_what_they_inherit(bench: Bench) -> None:
    bench.declare(CHILDREN)
    script(bench, [project(1), project(2, "ben")], p1=[rows({"u": 1}, next="b"), rows({"u": 2})], p2=[rows({"u": 3})])
    result = await bench.run()
    assert sorted(bench.columns("project", "u")) == [(1, 1), (1, 2), (2, 3)]
    assert (result.output["parents"], result.output["pages"], len(bench.receipts)) == (2, 3, 4)
    queries = [heard.query for heard in bench.provider.heard if heard.path.startswith("/v1/projects/2")]
    assert queries == [{"owner": "ben", "size": "5"}]


async def test_a_few_children_are_read_at_once_within_the_budget(bench: Bench) -> None:
    bench.declare(CHILDREN.replace("include: [project]", "concurrency: 3"))
    script(bench, [project(number) for number in range(20)])
    for number in range(20):
        bench.provider.script(f"/v1/projects/{number}/users", rows({"u": number}))
    await bench.run()
    assert sorted(row["u"] for row in bench.rows) == list(range(20))
    assert len(bench.taken) == 21


async def test_a_secret_is_looked_up_once_however_many_parents_there_are(bench: Bench) -> None:
    bench.declare(f"{CHILDREN}auth: {{type: bearer, provider: VENDOR_API}}\n")
    script(bench, [project(number) for number in range(6)])
    for number in range(6):
        bench.provider.script(f"/v1/projects/{number}/users", rows())
    await bench.run()
    assert bench.looked_up == ["VENDOR_API"]


async def test_a_name_is_one_segment_of_the_path_whatever_it_holds(bench: Bench) -> None:
    bench.declare(CHILDREN)
    heard: list[Heard] = []

    def page(request: Heard) -> bytes:
        heard.append(request)
        return json.dumps({"data": []}).encode()

    script(bench, [project("a/../b?x#y z")])
    bench.provider.script("/v1/projects/a%2F..%2Fb%3Fx%23y%20z/users", by_request(page))
    await bench.run()
    assert len(heard) == 1


async def test_a_place_that_cannot_be_worked_on_is_told_with_its_row(bench: Bench) -> None:
    bench.declare(CHILDREN.replace("owner.name}", "length(owner.name)}"))
    script(bench, [project(1), project(2, owner=7)], p1=[rows()])  # type: ignore[arg-type]
    error = await refused(bench)
    assert error.failure.reason is Reason.DATA_INVALID
    assert "row 2 of page 1: owner is given something it cannot work on" in error.failure.message


async def test_pages_without_rows_are_not_kept_until_there_is_one(bench: Bench) -> None:
    sink = Sink(Target(cast("Any", bench), cast("Any", bench)), AsyncExitStack())
    for number in range(3):
        await sink.take(Page((), Receipt("https://x", number, 0, 2, "")), ())
    assert sink._kept == []


@pytest.mark.parametrize(
    ("parent", "complaint"),
    [
        ({"owner": {"name": "x"}}, "row 1 of page 1: has nothing at 'id'"),
        (project(".."), "cannot be a part of a path"),
        (project(""), "has no value for project"),
        (project({"a": 1}), "has no value for project"),
    ],
)
async def test_a_parent_that_names_no_child_is_an_error(bench: Bench, parent: dict[str, Any], complaint: str) -> None:
    bench.declare(CHILDREN)
    script(bench, [parent])
    error = await refused(bench)
    assert error.failure.reason is Reason.DATA_INVALID
    assert complaint in error.failure.message


async def test_one_failing_child_ends_all_and_nothing_is_published(bench: Bench) -> None:
    bench.declare(CHILDREN)
    script(bench, [project(1), project(2)], p1=[hang], p2=[answer(b"{}", "404 Not Found")])
    assert (await refused(bench)).failure.reason is Reason.PROVIDER_REFUSED


async def test_a_child_that_is_not_there_may_be_ignored(bench: Bench) -> None:
    bench.declare(f"{CHILDREN}responses: [{{status: 404, action: ignore}}]\n")
    script(bench, [project(1), project(2)], p1=[rows({"u": 1})], p2=[answer(b"{}", "404 Not Found")])
    await bench.run()
    assert bench.columns("u") == [(1,)]


async def test_a_row_that_contradicts_its_parent_is_an_error(bench: Bench) -> None:
    bench.declare(CHILDREN)
    script(bench, [project(1)], p1=[rows({"u": 1, "project": 7})])
    assert "another than its parent's" in (await refused(bench)).failure.message
