"""What the procedures reckon, against an independent oracle, on the real emulator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from attrs import frozen

from tests.conformance.saas.conftest import DAILY, FOCUS, Books, plan
from tests.conformance.saas.cost_oracle import daily_costs
from workers.ports import Row, StepResult

pytestmark = pytest.mark.engine

FIRST, LAST = date(2024, 2, 20), date(2024, 4, 5)  # a leap day, and the end of a quarter
READ_DAILY = f"SELECT subscription_id, cost_date, cycle_cost, daily_cost, currency FROM {{dataset}}.{DAILY}"
READ_FOCUS = f"""
SELECT
  x_SourceRecordId, ChargePeriodStart, ChargePeriodEnd, BillingPeriodStart, BillingPeriodEnd, BillingCurrency,
  BilledCost, EffectiveCost, ContractedCost, ListCost, ListUnitPrice, ContractedUnitPrice, PricingQuantity
FROM {{dataset}}.{FOCUS}
"""
CYCLES = ("weekly", "monthly", "quarterly", "semi_annual", "annual")
BY_HAND = [
    plan("leap", unit_price_usd=Decimal(366), billing_cycle="annual"),
    plan("yearly", unit_price_usd=Decimal(40), yearly_price_usd=Decimal(366), billing_cycle="annual"),
    plan("quarter", unit_price_usd=Decimal(91), billing_cycle="quarterly", currency="eur"),
    plan("half", unit_price_usd=Decimal(182), billing_cycle="semi_annual"),
    plan("none", seats=None),
    plan("zero", seats=0),
    plan("flat", seats=7, pricing_model="FLAT_FEE"),
    plan("free", discount_type="percent", discount_value=Decimal(250)),
    plan("off", seats=2, discount_type="fixed", discount_value=Decimal(12)),
    plan("given", discount_type="fixed", discount_value=Decimal(32)),
    plan("ended", status="cancelled", end_date=date(2024, 2, 27)),
    plan("lapsed", status="expired", updated_at=datetime(2024, 2, 26, 23, tzinfo=UTC)),
    plan("before", status="expired", end_date=FIRST - timedelta(days=1)),
    plan("later", start_date=LAST + timedelta(days=1)),
    plan("foreign", org_slug="globex"),
]


def drawn(count: int) -> list[Row]:
    """Plans of all kinds, the same ones every time."""
    roll = Random(20240229)

    def one(number: int) -> Row:
        start = FIRST + timedelta(days=roll.randint(-400, 50))
        ends = roll.random() < 0.5
        return plan(
            f"drawn_{number}",
            start_date=start,
            end_date=start + timedelta(days=roll.randint(0, 500)) if ends else None,
            status=roll.choice(["active", "Cancelled", "expired"]) if ends else "active",
            billing_cycle=roll.choice(CYCLES),
            pricing_model=roll.choice(["PER_SEAT", "FLAT_FEE"]),
            seats=roll.choice([None, 0, 1, 3, 250]),
            unit_price_usd=Decimal(roll.randint(0, 10**8)).scaleb(-roll.randint(0, 9)),
            yearly_price_usd=roll.choice([None, Decimal(0), Decimal("199.99")]),
            discount_type=roll.choice([None, "percent", "fixed"]),
            discount_value=roll.choice([Decimal(0), None, Decimal("33.333333333")]),
            contract_id=roll.choice([None, "C-1"]),
        )

    found = (one(number) for number in range(count))
    return [{**row, "discount_value": row["discount_type"] and row["discount_value"]} for row in found]


@frozen
class Reckoned:
    """Plans, what the step said, and the rows it left."""

    plans: Sequence[Row]
    result: StepResult
    daily: Sequence[Row]
    focus: Sequence[Row]


@pytest.fixture(scope="module")
async def reckoned(books: Books) -> Reckoned:
    """All plans at once."""
    plans = [*BY_HAND, *drawn(25)]
    await books.keep(plans)
    result = await books.run(FIRST, LAST)
    daily, focus = [await books.desk.warehouse().query(sql, {}) for sql in (READ_DAILY, READ_FOCUS)]
    return Reckoned([one for one in plans if one["org_slug"] == "acme"], result, daily.rows, focus.rows)


def expected(reckoned: Reckoned) -> dict[tuple[str, date], Row]:
    rows = daily_costs([{**one, "status": one["status"].lower()} for one in reckoned.plans], FIRST, LAST)
    return {(row["plan"]["subscription_id"], row["day"]): row for row in rows}


def test_every_day_of_every_plan_costs_what_exact_arithmetic_gives(reckoned: Reckoned) -> None:
    found = {
        (row["subscription_id"], row["cost_date"]): (row["cycle_cost"], row["daily_cost"]) for row in reckoned.daily
    }
    assert len(found) == len(reckoned.daily)
    assert found == {key: (row["cycle_cost"], row["cost"]) for key, row in expected(reckoned).items()}


def test_every_focus_row_stands_on_the_basis_of_its_day(reckoned: Reckoned) -> None:
    found = {
        (row["x_SourceRecordId"], row["ChargePeriodStart"].date()): (
            row["BilledCost"], row["EffectiveCost"], row["ContractedCost"], row["ListCost"],
            row["BillingPeriodStart"].date(), row["BillingPeriodEnd"].date(), row["ChargePeriodEnd"].date(),
        )
        for row in reckoned.focus
    }  # fmt: skip
    assert len(found) == len(reckoned.focus)
    assert found == {
        key: (row["cost"],) * 3 + (row["list_cost"], *row["cycle"], row["day"] + timedelta(days=1))
        for key, row in expected(reckoned).items()
    }


def test_focus_prices_times_quantity_are_the_costs(reckoned: Reckoned) -> None:
    near = Decimal("1e-6")
    for row in reckoned.focus:
        assert abs(row["ListUnitPrice"] * row["PricingQuantity"] - row["ListCost"]) < near
        assert abs(row["ContractedUnitPrice"] * row["PricingQuantity"] - row["ContractedCost"]) < near


def test_currency_is_that_of_the_bill(reckoned: Reckoned) -> None:
    assert {row["BillingCurrency"] for row in reckoned.focus if row["x_SourceRecordId"] == "quarter"} == {"EUR"}
    told = {row["currency"]: row for row in reckoned.result.output["result"]}
    assert told.keys() == {"EUR", "USD"}
    assert Decimal(told["EUR"]["cost"]) == len([0 for row in reckoned.daily if row["currency"] == "EUR"])


def test_hand_reckoned_days(reckoned: Reckoned) -> None:
    day = date(2024, 2, 26)
    cost = {row["subscription_id"]: row["daily_cost"] for row in reckoned.daily if row["cost_date"] == day}
    monthly = Decimal("1.068965517")  # 31 in the 29 days of February 2024
    assert (cost["leap"], cost["yearly"], cost["quarter"], cost["half"]) == (1, 1, 1, 1)
    assert (cost["none"], cost["flat"], cost["zero"], cost["free"], cost["given"]) == (monthly, monthly, 0, 0, 0)
    assert abs(cost["off"] - Decimal(50) / 29) < Decimal("1e-8")
    assert "ended" in cost
    assert "lapsed" in cost
    assert not {"before", "later", "foreign"} & cost.keys()


def test_the_step_tells_what_it_did(reckoned: Reckoned) -> None:
    output = reckoned.result.output
    assert output["job_id"].startswith("dp_call_")
    assert reckoned.result.rows == len(reckoned.daily) + len(reckoned.focus)
    assert sum(row["plan_days"] for row in output["result"]) == len(reckoned.daily)
    assert output["arguments"]["p_start_date"] == "2024-02-20"


@pytest.mark.parametrize("kind", CYCLES)
def test_the_days_of_a_whole_cycle_add_up_to_its_price(kind: str) -> None:
    price = Decimal("99.999999999")
    rows = [*daily_costs([plan("p", billing_cycle=kind, unit_price_usd=price)], date(2023, 12, 25), date(2025, 1, 5))]
    cycles = {row["cycle"] for row in rows}
    sums = {
        cycle: sum(row["list_cost"] for row in rows if row["cycle"] == cycle)
        for cycle in cycles
        if sum(row["cycle"] == cycle for row in rows) == (cycle[1] - cycle[0]).days
    }
    assert len(sums) == {"weekly": 54, "monthly": 12, "quarterly": 4, "semi_annual": 2, "annual": 1}[kind]
    assert set(sums.values()) == {price}
