from __future__ import annotations

import json
from contextlib import aclosing
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import HostileProvider
from tests.unit.rest.desk import Desk, FakeClock, MakeReader
from workers.model.body import ResponseRule
from workers.model.failure import FailedError, Reason
from workers.model.pagination import CursorPages
from workers.rest import Shelf
from workers.rest.bodies import ROWS_AT_ONCE

ROWS = 3000
ROW = {"day": "2026-05-01", "amount": 0.125, "of": {"tiers": [{"n": 1}, {"n": 2}], "model": "m"}}
CURSOR = CursorPages("after", "next", "more")


@pytest.fixture
def desk(provider: HostileProvider, clock: FakeClock, make_reader: MakeReader, tmp_path: Path) -> Desk:
    """The desk with a reader that holds little, and keeps the rest below `tmp_path`."""
    return Desk(provider, clock, make_reader(shelf=Shelf(tmp_path, 100_000)))


@lru_cache
def long_page(**around: Any) -> bytes:
    """More than is held in memory: rows between what comes before and after them."""
    rows = [ROW | {"id": at} for at in range(ROWS)]
    return json.dumps({"object": "page", "data": rows, **around}).encode()


async def test_a_long_page_comes_in_parts_and_is_told_of_once(desk: Desk) -> None:
    body = long_page(next="two", more=True)
    desk.provider.script("/rows", hostile.answer(body), hostile.rows(ROW | {"id": ROWS}, more=False))
    pages = await desk.pages(desk.read(pagination=CURSOR, key_fields=("id",), in_parts=True))
    assert [row["id"] for page in pages for row in page.rows] == list(range(ROWS + 1))
    assert [page.before for page in pages[:-1]] == list(range(0, ROWS, ROWS_AT_ONCE))
    assert [page.partial for page in pages] == [True] * (ROWS // ROWS_AT_ONCE - 1) + [False, False]
    first, _ = desk.receipts
    assert (first.rows, first.bytes, first.sha256) == (ROWS, len(body), sha256(body).hexdigest())
    assert (first.first_key, first.last_key, first.next_cursor) == ("[0]", f"[{ROWS - 1}]", "two")
    assert {page.receipt.number for page in pages[:-1]} == {1}


async def test_a_long_page_is_one_page_to_whoever_did_not_ask_for_parts(desk: Desk) -> None:
    desk.provider.script("/rows", hostile.answer(long_page()))
    assert [len(page.rows) for page in await desk.pages()] == [ROWS]


@pytest.mark.parametrize(
    "changes",
    [
        {"data_path": "data[]"},
        {"total_path": "length(data)"},
        {"page_fields": ("data[0].id",)},
        {"rules": (ResponseRule("fail", (200,), when="data[0].error"),)},
    ],
)
async def test_a_page_whose_rows_are_looked_into_is_read_as_a_whole(desk: Desk, changes: dict[str, Any]) -> None:
    desk.provider.script("/rows", hostile.answer(long_page()))
    assert [len(page.rows) for page in await desk.pages(desk.read(in_parts=True, **changes))] == [ROWS]


@pytest.mark.fault("F44")
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"}]}", b"}]"),
        (b"}]}", b"}]}}"),
        (b"}]}", b"}]} \xff"),
        (b"}]}", b'}], "data": []}'),
        (b'"id": 2999', b'"id": NaN'),
        (b'"id": 2999', b'"day": 2999'),
        (b'"id": 2999}', b'"id": 2999}, 3000'),
        (b'"id": 2999', b'"id": "\\ud800"'),
        (b'"data"', b'"rows"'),
    ],
)
async def test_a_long_page_that_cannot_be_believed_is_never_receipted(desk: Desk, right: bytes, wrong: bytes) -> None:
    body = long_page()
    assert body.count(right) == 1
    desk.provider.script("/rows", hostile.answer(body.replace(right, wrong)))
    with pytest.raises(FailedError) as caught:
        await desk.pages(desk.read(in_parts=True))
    assert caught.value.failure.reason is Reason.PROVIDER_BAD_RESPONSE
    assert desk.receipts == []


async def test_a_long_page_that_is_left_early_leaves_no_file(desk: Desk, tmp_path: Path) -> None:
    desk.provider.script("/rows", hostile.answer(long_page()))
    async with desk.reader.open(desk.wiring()) as reading, aclosing(reading.pages(desk.read(in_parts=True))) as pages:
        first = await anext(pages)
        held = open_files(tmp_path)
    assert (first.partial, len(held), open_files(tmp_path)) == (True, 1, [])


def open_files(folder: Path) -> list[str]:
    found = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [name for name in found if name.startswith(str(folder))]
