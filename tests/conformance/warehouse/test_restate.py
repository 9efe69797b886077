"""A restatement replaces what it names, once, and nobody older undoes it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.warehouse_desk import FIRST, SECOND, THIRD, WINDOW, Desk, facts
from workers.model.failure import FailedError, Reason
from workers.model.window import DateWindow
from workers.ports import Reached, Written

pytestmark = pytest.mark.engine

BOTH = (*facts(FIRST, 3), *facts(SECOND, 2))


def reason(raised: pytest.ExceptionInfo[FailedError]) -> Reason:
    return raised.value.failure.reason


@pytest.mark.promise("P10")
async def test_a_restatement_replaces_its_window_and_scope_and_nothing_else(desk: Desk) -> None:
    await desk.restate([*BOTH, *facts(THIRD, 4), *facts(FIRST, 5, "images")], DateWindow(FIRST, THIRD))
    written = await desk.later(facts(FIRST, 1), 2, WINDOW, {"endpoint": "completions"})
    assert written.rows == 1
    assert await desk.counts() == {(FIRST, "completions"): 1, (FIRST, "images"): 5, (THIRD, "completions"): 4}


@pytest.mark.promise("P10")
async def test_a_second_identical_publication_is_adopted(desk: Desk) -> None:
    first = await desk.restate(BOTH)
    second = await desk.restate(BOTH)
    assert (first.rows, first.adopted, second.rows, second.adopted) == (5, False, 5, True)
    assert await desk.counts() == {(FIRST, "completions"): 3, (SECOND, "completions"): 2}


async def test_a_second_attempt_keeps_what_the_first_published_although_it_read_something_else(desk: Desk) -> None:
    await desk.restate(BOTH)
    second = await desk.restate(facts(FIRST, 9), fence=2)
    assert (second.rows, second.adopted) == (5, True)
    assert await desk.counts() == {(FIRST, "completions"): 3, (SECOND, "completions"): 2}


@pytest.mark.promise("P3")
@pytest.mark.fault("F53")
async def test_an_older_lease_writes_nothing_after_a_newer_one_did(desk: Desk) -> None:
    await desk.restate(BOTH, fence=2)
    with pytest.raises(FailedError) as raised:
        await desk.restate(facts(FIRST, 9), fence=1)
    assert reason(raised) is Reason.STALE_RUN
    assert await desk.counts() == {(FIRST, "completions"): 3, (SECOND, "completions"): 2}


@pytest.mark.promise("P3")
async def test_an_older_lease_writes_nothing_after_a_newer_one_adopted(desk: Desk) -> None:
    await desk.restate(BOTH, fence=1)
    await desk.restate(BOTH, fence=2)
    with pytest.raises(FailedError) as raised:
        await desk.restate(facts(FIRST, 9), fence=1)
    assert reason(raised) is Reason.STALE_RUN


@pytest.mark.fault("F53")
@pytest.mark.parametrize(
    ("newer", "older", "left"),
    [
        ((WINDOW, None), (DateWindow(SECOND, SECOND), None), 1),
        ((WINDOW, {"endpoint": "completions"}), (WINDOW, None), 2),
        ((WINDOW, None), (WINDOW, {"endpoint": "completions"}), 2),
        ((None, None), (DateWindow(SECOND, SECOND), None), 1),
        ((WINDOW, None), (None, None), 1),
    ],
)
async def test_an_older_run_writes_nothing_where_a_newer_one_wrote(
    desk: Desk, newer: tuple[Any, ...], older: tuple[Any, ...], left: int
) -> None:
    await desk.later(BOTH, 2, *newer)
    assert await desk.later(facts(SECOND, 9), 1, *older) == Written(0, superseded=left)
    assert await desk.counts() == {(FIRST, "completions"): 3, (SECOND, "completions"): 2}
    assert await desk.rows("SELECT DISTINCT run_seq FROM {dataset}.__load_ledger") == [(2,)]


@pytest.mark.fault("F53")
async def test_an_older_run_writes_the_days_that_no_newer_one_wrote(desk: Desk) -> None:
    await desk.later(facts(SECOND, 2), 2, DateWindow(SECOND, SECOND))
    written = await desk.later([*BOTH, *facts(SECOND, 7), *facts(THIRD, 4)], 1, DateWindow(FIRST, THIRD))
    assert written == Written(7, superseded=1)
    found = await desk.counts()
    assert found == {(FIRST, "completions"): 3, (SECOND, "completions"): 2, (THIRD, "completions"): 4}
    ledger = await desk.rows("SELECT day, run_seq, `rows` FROM {dataset}.__load_ledger ORDER BY day")
    assert ledger == [(FIRST, 1, 3), (SECOND, 2, 2), (THIRD, 1, 4)]


async def test_an_incomplete_older_answer_leaves_a_newer_day_and_the_days_it_lacks(desk: Desk) -> None:
    await desk.later([*BOTH, *facts(THIRD, 4)], 1, DateWindow(FIRST, THIRD))
    await desk.later(facts(SECOND, 1), 3, DateWindow(SECOND, SECOND))
    rows = [*facts(SECOND, 9), *facts(THIRD, 5)]
    assert await desk.later(rows, 2, DateWindow(FIRST, THIRD), complete=False) == Written(5, superseded=1)
    found = await desk.counts()
    assert found == {(FIRST, "completions"): 3, (SECOND, "completions"): 1, (THIRD, "completions"): 5}


async def test_a_second_attempt_adopts_what_a_newer_run_has_left_of_the_first(desk: Desk) -> None:
    await desk.restate(BOTH)
    await desk.later(facts(SECOND, 5), 2, DateWindow(SECOND, SECOND))
    assert await desk.restate(facts(FIRST, 9), fence=2) == Written(3, adopted=True, superseded=1)
    assert await desk.counts() == {(FIRST, "completions"): 3, (SECOND, "completions"): 5}
    fences = await desk.rows("SELECT run_seq, fence FROM {dataset}.__load_ledger ORDER BY day")
    assert fences == [(1, 2), (2, 1)]


async def test_only_the_days_that_are_published_are_compared_for_a_great_loss_of_rows(desk: Desk) -> None:
    await desk.restate([*facts(FIRST, 5), *facts(SECOND, 5)])
    await desk.later(facts(SECOND, 100), 3, DateWindow(SECOND, SECOND))
    assert (await desk.later([*facts(FIRST, 4), *facts(SECOND, 4)], 2)).rows == 4
    await desk.later(facts(THIRD, 100), 1, DateWindow(THIRD, THIRD))
    with pytest.raises(FailedError, match="100 rows would become 1;") as raised:
        await desk.later([*facts(SECOND, 100), *facts(THIRD, 1)], 2, DateWindow(SECOND, THIRD))
    assert reason(raised) is Reason.SHRINK_HELD


async def test_rows_outside_the_window_are_refused_even_when_all_of_it_is_left(desk: Desk) -> None:
    await desk.later(BOTH, 2)
    with pytest.raises(FailedError, match="1 rows lie outside"):
        await desk.later(facts(THIRD, 1), 1)


async def test_an_older_run_still_writes_beside_a_newer_one(desk: Desk) -> None:
    await desk.later(BOTH, 2, WINDOW, {"endpoint": "completions"})
    await desk.later(facts(FIRST, 4, "images"), 1, WINDOW, {"endpoint": "images"})
    assert (await desk.counts())[FIRST, "images"] == 4


async def test_another_step_of_the_same_run_is_not_taken_for_a_repetition(desk: Desk) -> None:
    await desk.restate(BOTH)
    written = await desk.restate(facts(FIRST, 1), step_id="correct", fence=2)
    assert (written.rows, written.adopted) == (1, False)


async def test_an_empty_complete_answer_empties_the_window(desk: Desk) -> None:
    await desk.restate([*BOTH, *facts(THIRD, 1)], DateWindow(FIRST, THIRD))
    assert (await desk.later([], 2)).rows == 0
    assert await desk.counts() == {(THIRD, "completions"): 1}


async def test_an_empty_incomplete_answer_leaves_everything(desk: Desk) -> None:
    await desk.restate(BOTH)
    await desk.later([], 2, complete=False)
    assert await desk.counts() == {(FIRST, "completions"): 3, (SECOND, "completions"): 2}


async def test_an_incomplete_answer_replaces_only_the_days_it_has(desk: Desk) -> None:
    await desk.restate(BOTH)
    await desk.later(facts(SECOND, 4), 2, complete=False)
    assert await desk.counts() == {(FIRST, "completions"): 3, (SECOND, "completions"): 4}
    assert await desk.rows("SELECT day FROM {dataset}.__load_ledger WHERE NOT complete") == [(SECOND,)]


@pytest.mark.fault("F45")
async def test_a_great_loss_of_rows_is_held_for_review(desk: Desk) -> None:
    await desk.restate(facts(FIRST, 100))
    with pytest.raises(FailedError, match="100 rows would become 19") as raised:
        await desk.later(facts(FIRST, 19), 2)
    assert reason(raised) is Reason.SHRINK_HELD
    await desk.later(facts(FIRST, 20), 3)
    await desk.later(facts(FIRST, 1), 4, allow_shrink=True)
    assert await desk.counts() == {(FIRST, "completions"): 1}


@pytest.mark.parametrize(("rows", "scope"), [(facts(THIRD, 2), None), (facts(FIRST, 2, "images"), {"endpoint": "x"})])
async def test_rows_outside_what_they_replace_are_refused(desk: Desk, rows: list, scope: dict | None) -> None:  # type: ignore[type-arg]
    with pytest.raises(FailedError, match="2 rows lie outside") as raised:
        await desk.restate(rows, WINDOW, scope)
    assert reason(raised) is Reason.DATA_INVALID
    assert await desk.counts() == {}


async def test_without_a_window_the_whole_table_is_replaced(desk: Desk) -> None:
    await desk.restate([*BOTH, *facts(THIRD, 1)], DateWindow(FIRST, THIRD))
    await desk.later(facts(SECOND, 2), 2, None)
    assert await desk.counts() == {(SECOND, "completions"): 2}


async def test_an_answer_that_reached_only_some_values_leaves_rows_with_others_as_they_are(desk: Desk) -> None:
    await desk.restate([*facts(FIRST, 3, "east"), *facts(FIRST, 2, "west"), *facts(FIRST, 4, "north")], WINDOW)
    halves = [*facts(FIRST, 1, "east"), *facts(FIRST, 1, "west")]
    written = await desk.later(halves, 2, WINDOW, reached=Reached("endpoint", ("east", "north")))
    assert written.rows == 1
    assert await desk.counts() == {(FIRST, "east"): 1, (FIRST, "west"): 2}


async def test_an_answer_that_reached_nothing_leaves_every_row(desk: Desk) -> None:
    await desk.restate(BOTH)
    written = await desk.later([], 2, WINDOW, reached=Reached("endpoint", ()))
    assert (written.rows, await desk.counts()) == (0, {(FIRST, "completions"): 3, (SECOND, "completions"): 2})


async def test_a_whole_answer_comes_after_one_that_reached_little(desk: Desk) -> None:
    await desk.restate(BOTH, reached=Reached("endpoint", ()))
    written = await desk.restate(BOTH, fence=2)
    assert (written.rows, written.adopted) == (5, False)
