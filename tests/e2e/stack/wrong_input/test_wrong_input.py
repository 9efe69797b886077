"""Whatever is sent wrongly is refused by its name, in one shape, and leaves nothing: a row each, a test per item."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable

import pytest

from tests.e2e.edge.test_access_log import logged
from tests.e2e.stack.wrong_input import bodies, control, headers, parameters, paths, wire
from tests.e2e.stack.wrong_input.row import Row, Served
from tests.e2e.stack.wrong_input.scene import Scene
from tests.e2e.stack.wrong_input.sending import Raw
from tests.house.bad_input import ITEMS

ROWS = [row for table in (paths, headers, bodies, wire, parameters, control) for row in table.ROWS]
STRANGERS = ("B20", "B21", "B22", "B23", "B24")
"""Keys that nobody knows make the service look again for new ones, once a second: these are sent in one go."""
GROUPS = [*dict.fromkeys(STRANGERS if row.item in STRANGERS else (row.item,) for row in ROWS)]
AT_ONCE = 24
# Every bidirectional control, character without width, and control character but the end of a line.
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@pytest.mark.parametrize(
    "items", [pytest.param(group, id="-".join(group), marks=pytest.mark.item(*group)) for group in GROUPS]
)
async def test_what_is_sent_wrongly_is_answered_by_name_and_leaves_nothing(
    stage: Scene, items: tuple[str, ...]
) -> None:
    rows = [row for row in ROWS if row.item in items]
    for sent in (sent for row in rows for sent in row.first):
        await sent.send(stage)
    before = await stage.settled()
    wrong = await failed(stage, (row for row in rows if not isinstance(row.expected, Served)))
    assert (wrong, await stage.settled()) == ([], before), [ITEMS[item] for item in items]
    assert await failed(stage, (row for row in rows if isinstance(row.expected, Served))) == []
    await stage.serves()


async def failed(stage: Scene, rows: Iterable[Row]) -> list[str]:
    """Send all, a few at once, and return what each was answered that should not be."""
    few = asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> str:
        async with few:
            said = await row.sent.send(stage)
        try:
            row.expected.check(said)
            assert not said.told_of_the_inside(), said.shown
            assert stage.given_away(said.whole) == [], said.shown
        except AssertionError as error:
            return f"{row.id}: {row.expected} != {error}"
        return ""

    return [said for said in await asyncio.gather(*map(one, rows)) if said]


def test_no_two_rows_have_one_name() -> None:
    names = [row.id for row in ROWS]
    assert len(names) == len(set(names)), {name for name in names if names.count(name) > 1}


@pytest.mark.item("E73", "B20")
async def test_no_line_of_a_log_holds_a_key_or_steers_a_terminal(stage: Scene) -> None:
    steering = "\N{RIGHT-TO-LEFT OVERRIDE}\N{ZERO WIDTH SPACE}\t"
    for path, said in (
        (f"/noth{steering[0]}ing", "User-Agent: x"),
        ("/%E2%80%AE%1B", f"User-Agent: {steering}"),
        ("/steered", f"X-Request-Id: a{steering}b"),
        ("/last", "X-Request-Id: the-last"),
    ):
        await Raw(f"GET {path}", f"{said}\r\nX-API-Key: <key>\r\n\r\n".encode()).send(stage)
    assert (await logged(stage.hasty, "the-last"))["request_id"]
    folder = stage.running.stack.options.data_dir
    for log in (stage.running.log, folder / "envoy" / "envoy.log", stage.hasty.log):
        text = log.read_text(errors="replace")
        assert stage.given_away(text) == []
        assert STEERING.findall(text) == [], [line for line in text.splitlines() if STEERING.search(line)][:3]
    assert all(json.loads(line) for line in stage.running.log.read_text().splitlines())
