"""Rows are audited before they are published: what is critical keeps the table as it was, what is not is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from uuid import uuid4

import attrs
import pytest
from attrs import frozen

from tests.plugins.warehouse_desk import FACTS, FIRST, SECOND, WINDOW, Desk, facts
from workers.model.failure import FailedError, Failure, Reason
from workers.model.quality import Audited, Check, Expectation, Severity
from workers.model.table import TableSchema
from workers.ports import Expected, Row, Written

pytestmark = pytest.mark.engine

WARNING = Severity.WARNING
ODD: list[Row] = [
    {"day": FIRST, "endpoint": "completions", "tokens": 1, "amount": Decimal(2)},
    {"day": FIRST, "endpoint": "completions", "tokens": 1, "amount": Decimal(-2)},
    {"day": FIRST, "endpoint": "images", "tokens": None, "amount": Decimal(7)},
    {"day": SECOND, "endpoint": None, "tokens": 3, "amount": None},
]
EVERY = (
    (Expectation("null", Check.NOT_NULL, WARNING, columns=("tokens", "endpoint")), 2),
    (Expectation("unique", Check.UNIQUE, WARNING, columns=("day", "endpoint", "tokens")), 1),
    (Expectation("accepted", Check.ACCEPTED, WARNING, columns=("endpoint",), values=("completions",)), 1),
    (Expectation("range", Check.RANGE, WARNING, columns=("amount",), least=Decimal(0), most=Decimal("6.5")), 2),
    (Expectation("least", Check.RANGE, WARNING, columns=("amount",), least=Decimal(-2)), 0),
    (Expectation("count", Check.ROW_COUNT, WARNING, least=Decimal(4), most=Decimal(4)), 0),
    (Expectation("too few", Check.ROW_COUNT, WARNING, least=Decimal(5)), 1),
    (Expectation("fresh", Check.FRESHNESS, WARNING, columns=("day",), hours=24), 0),
    (Expectation("stale", Check.FRESHNESS, WARNING, columns=("day",), hours=23.5), 1),
    (Expectation("own", Check.SQL, WARNING, sql="SELECT COUNT(*) FROM {rows} WHERE amount > 6;"), 1),
)
NONE_OF_BEFORE = Expectation(
    "own", Check.SQL, sql="SELECT COUNT(*) FROM {rows} WHERE tokens IN (SELECT tokens FROM {dataset}.facts)"
)
DAY_AFTER = SECOND.replace(day=3)


@frozen
class Outcome:
    """What an audit found, and why nothing was published."""

    found: tuple[Audited, ...]
    failure: Failure | None = None


async def _restate(desk: Desk, rows: list[Row], *expected: Expectation, table: TableSchema = FACTS) -> Outcome:
    """Publish in place of the window; return what the audit found."""
    heard: list[Audited] = []

    async def hear(audited: Audited) -> None:
        heard.append(audited)

    warehouse = desk.warehouse(uuid4(), run_seq=2, expected=Expected(DAY_AFTER, expected, hear))
    await warehouse.ensure(FACTS)
    try:
        async with warehouse.restate(table, WINDOW) as load:
            await load.write(rows)
            await load.publish()
    except FailedError as error:
        return Outcome(tuple(heard), error.failure)
    return Outcome(tuple(heard))


async def test_every_check_counts_what_is_not_as_expected(desk: Desk) -> None:
    (found,) = (await _restate(desk, ODD, *(one for one, _ in EVERY))).found
    assert [(one.expectation, one.failing) for one in found.findings] == [(one.name, n) for one, n in EVERY]
    assert found.status == "WARNING"
    assert sum((await desk.counts()).values()) == len(ODD)


async def test_a_difference_below_nothing_is_none_that_is_expected_and_makes_up_for_no_other(desk: Desk) -> None:
    less, more = (Expectation(name, Check.SQL, sql=f"SELECT {name}") for name in ("-4", "4"))
    for expected in ((less,), (less, more)):
        outcome = await _restate(desk, ODD, *expected)
        assert outcome.failure is not None
        assert outcome.failure.reason is Reason.DATA_QUALITY_FAILED
        assert [one.failing for one in outcome.found[0].findings] == [4] * len(expected)
    assert sum((await desk.counts()).values()) == 0


async def test_of_no_rows_only_their_number_and_age_can_be_wrong(desk: Desk) -> None:
    (found,) = (await _restate(desk, [], *(one for one, _ in EVERY))).found
    assert [one.expectation for one in found.failed] == ["count", "too few", "fresh", "stale"]


@pytest.mark.parametrize("of_table", [False, True])
async def test_what_is_critical_keeps_the_version_before(desk: Desk, of_table: bool) -> None:
    await desk.restate(facts(FIRST, 3))
    expected = Expectation("whole", Check.NOT_NULL, columns=("tokens",))
    table = attrs.evolve(FACTS, expectations=(expected,)) if of_table else FACTS
    outcome = await _restate(desk, ODD, *(() if of_table else (expected,)), table=table)
    assert [(one.status, one.said()) for one in outcome.found] == [("FAILED", "whole (1)")]
    assert outcome.failure
    assert (outcome.failure.reason, outcome.failure.retryable) == (Reason.DATA_QUALITY_FAILED, False)
    assert "not as expected: whole (1); the table is unchanged" in outcome.failure.message
    assert await desk.counts() == {(FIRST, "completions"): 3}


async def test_a_transformation_an_append_and_a_merge_are_audited_too(desk: Desk) -> None:
    await desk.restate(facts(FIRST, 3))
    expected = Expected(DAY_AFTER, (NONE_OF_BEFORE,))
    warehouse = desk.warehouse(uuid4(), run_seq=2, expected=expected)
    copy = "SELECT day, endpoint, tokens, amount, raw FROM {dataset}.facts"
    writes: tuple[Callable[[], Awaitable[Written]], ...] = (
        lambda: warehouse.transform(FACTS, WINDOW, copy, {}),
        lambda: warehouse.append_query(FACTS, copy, {}),
        lambda: warehouse.merge_query(FACTS, ("day", "tokens"), "me", copy, {}),
    )
    for write in writes:
        with pytest.raises(FailedError, match=r"not as expected: own \(3\)"):
            await write()
    assert await desk.counts() == {(FIRST, "completions"): 3}


async def test_expectations_of_another_table_are_not_asked(desk: Desk) -> None:
    elsewhere = Expectation("x", Check.NOT_NULL, table="other", columns=("tokens",))
    assert await _restate(desk, ODD, elsewhere) == Outcome(())
