"""What a row of configs/system/sql/directory.sql says, as values of workers.model.org. Pure."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from workers.catalog.plans import Plans
from workers.model.credential import shown
from workers.model.org import Integration, OrgKey, Subscription
from workers.ports import Row

_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)
_SPAN = 1 << 64  # more microseconds than the calendar has


def text(row: Row, name: str) -> str:
    """Return a column of text; empty when it is anything else."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def word(row: Row, name: str) -> str:
    """Return a column that holds one of a few words, each of which is kept in memory once."""
    return sys.intern(text(row, name))


def changed(row: Row) -> int:
    """Return a number that orders rows by when they were changed, then by when they were made."""
    return _micros(row.get("changed_at")) * _SPAN + _micros(row.get("created_at"))


def key(row: Row, slug: str) -> OrgKey:
    """Read a key; its hash may be anything."""
    return OrgKey(text(row, "id"), slug, text(row, "name").lower(), row.get("expires_at"), _scopes(row))


def subscription(row: Row, plans: Plans) -> Subscription:
    """Read a subscription; the plan of its name stands in where it says nothing."""
    plan = plans.find(text(row, "name"))
    return Subscription(
        status=word(row, "status"),
        plan_name=word(row, "name"),
        daily_limit=_or(row.get("daily_limit"), plan.daily_limit),
        monthly_limit=_or(row.get("monthly_limit"), plan.monthly_limit),
        concurrent_limit=_or(row.get("concurrent_limit"), plan.concurrent_limit),
        weight=plan.weight,
        trial_end_date=row.get("trial_end_date"),
        end_date=row.get("end_date"),
        seat_limit=row.get("seat_limit"),
        providers_limit=row.get("providers_limit"),
    )


def integration(row: Row, canonical: Callable[[str], str]) -> Integration:
    """Read a stored credential under its provider's `canonical` name."""
    return Integration(
        text(row, "id"),
        sys.intern(canonical(text(row, "name"))),
        word(row, "status"),
        active=row.get("is_active") is True,
        last_error=shown(text(row, "last_error")),
    )


def _scopes(row: Row) -> frozenset[str] | None:
    """Return what a key was given; None, which is everything, only when nothing was."""
    scopes = row.get("scopes")
    return None if scopes is None else frozenset(str(scopes).split())


def _micros(at: datetime | None) -> int:
    return 0 if at is None else (at - _EPOCH) // _MICROSECOND


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
