"""What subscription plans cost a day, reckoned again from the rule, in exact fractions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any

Row = Mapping[str, Any]
MONTHS = {"monthly": 1, "quarterly": 3, "semi_annual": 6, "annual": 12}
EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


def rounded(value: Fraction) -> Decimal:
    """To nine places, halves away from zero, as NUMERIC does."""
    return EXACT.divide(value.numerator, value.denominator).quantize(Decimal("1e-9"), context=EXACT)


def cycle(kind: str, day: date) -> tuple[date, date]:
    """First day of the calendar cycle that a day lies in, and of the next."""
    if kind == "weekly":
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=7)
    months = MONTHS[kind]
    begin = (day.month - 1) // months * months
    after = begin + months
    return date(day.year, begin + 1, 1), date(day.year + after // 12, after % 12 + 1, 1)


def prices(plan: Row) -> tuple[Fraction, Fraction]:
    """List price and cost of one cycle."""
    unit = plan["unit_price_usd"]
    if plan["billing_cycle"] == "annual" and plan["yearly_price_usd"]:
        unit = plan["yearly_price_usd"]
    seats = 1 if plan["seats"] is None else plan["seats"]
    listed = Fraction(unit) * (seats if plan["pricing_model"] == "PER_SEAT" else 1)
    value = Fraction(plan["discount_value"] or 0)
    if plan["discount_type"] == "percent":
        return listed, listed * (100 - min(value, Fraction(100))) / 100
    if plan["discount_type"] == "fixed":
        return listed, listed - min(value, listed)
    return listed, listed


def lasts(plan: Row, day: date) -> bool:
    """Whether a plan counts on a day."""
    ended = plan["end_date"]
    if ended is None and plan["status"] != "active":
        ended = plan["updated_at"].date()
    return bool(plan["start_date"] <= day and (ended is None or day <= ended))


def part(whole: Decimal, first: date, after: date, day: date) -> Decimal:
    """The day's part of a cycle's cost: what is due by its end less what was due before."""
    days = (after - first).days

    def due(count: int) -> Decimal:
        return rounded(Fraction(whole) * count / days)

    return due((day - first).days + 1) - due((day - first).days)


def daily_costs(plans: Sequence[Row], first: date, last: date) -> Iterator[Row]:
    """Yield plan, day, its cycle and both costs."""
    for plan in plans:
        listed, cost = map(rounded, prices(plan))
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            if not lasts(plan, day):
                continue
            begin, after = cycle(plan["billing_cycle"], day)
            yield {
                "plan": plan,
                "day": day,
                "cycle": (begin, after),
                "cycle_cost": cost,
                "cost": part(cost, begin, after, day),
                "list_cost": part(listed, begin, after, day),
            }
