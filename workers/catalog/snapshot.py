"""All organisations at one moment, from the rows of configs/system/sql/directory.sql. Doubtful rows are left out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import field, frozen

from workers.catalog.plans import Plans
from workers.model.credential import shown
from workers.model.org import SLUG, Integration, Org, OrgKey, Subscription
from workers.model.table import IDENTIFIER
from workers.ports import Row

_HASH = re.compile(r"[0-9a-f]{64}\Z")
_EPOCH = datetime.fromtimestamp(0, UTC)


@frozen
class Snapshot:
    """Keys by their SHA-256 and organisations by their slug; `doubtful` counts the rows that were left out."""

    keys: Mapping[str, OrgKey] = field(factory=dict, repr=False)
    orgs: Mapping[str, Org] = field(factory=dict, repr=False)
    doubtful: int = 0


def snapshot_of(rows: Iterable[Row], plans: Plans, canonical: Callable[[str], str]) -> Snapshot:
    """Make a snapshot. Of several profiles or subscriptions of an organisation the one changed last counts.

    A key whose hash stands in two rows opens nothing, and a dataset that two organisations claim belongs to neither.
    """
    sound: defaultdict[str, list[Row]] = defaultdict(list)
    doubtful = 0
    for row in rows:
        if SLUG.match(_text(row, "org_slug")):
            sound[_text(row, "kind")].append(row)
        else:
            doubtful += 1
    profiles, subscriptions = _latest(sound["profile"]), _latest(sound["subscription"])
    integrations = _by_org(sound["integration"])
    datasets = _repeated(profile.get("name") for profile in profiles.values())
    orgs = {
        slug: Org(
            slug,
            _text(profile, "status"),
            _text(profile, "name"),
            _subscription(subscriptions[slug], plans) if slug in subscriptions else None,
            tuple(_integration(row, canonical) for row in integrations[slug]),
        )
        for slug, profile in profiles.items()
        if IDENTIFIER.match(_text(profile, "name")) and profile["name"] not in datasets
    }
    keys = _keys(sound["key"])
    return Snapshot(keys, orgs, doubtful + len(profiles) - len(orgs) + len(sound["key"]) - len(keys))


def _keys(rows: Sequence[Row]) -> Mapping[str, OrgKey]:
    hashes = [_text(row, "name").lower() for row in rows]
    twice = _repeated(hashes)
    return {
        sha256: OrgKey(_text(row, "id"), row["org_slug"], sha256, row.get("expires_at"), _scopes(row))
        for sha256, row in zip(hashes, rows, strict=True)
        if _HASH.match(sha256) and sha256 not in twice
    }


def _scopes(row: Row) -> frozenset[str] | None:
    """Return what a key was given; None, which is everything, only when nothing was."""
    scopes = row.get("scopes")
    return None if scopes is None else frozenset(str(scopes).split())


def _subscription(row: Row, plans: Plans) -> Subscription:
    plan = plans.find(_text(row, "name"))
    return Subscription(
        status=_text(row, "status"),
        plan_name=_text(row, "name"),
        daily_limit=_or(row.get("daily_limit"), plan.daily_limit),
        monthly_limit=_or(row.get("monthly_limit"), plan.monthly_limit),
        concurrent_limit=_or(row.get("concurrent_limit"), plan.concurrent_limit),
        weight=plan.weight,
        trial_end_date=row.get("trial_end_date"),
        end_date=row.get("end_date"),
        seat_limit=row.get("seat_limit"),
        providers_limit=row.get("providers_limit"),
    )


def _integration(row: Row, canonical: Callable[[str], str]) -> Integration:
    return Integration(
        _text(row, "id"),
        canonical(_text(row, "name")),
        _text(row, "status"),
        active=row.get("is_active") is True,
        last_error=shown(_text(row, "last_error")),
    )


def _latest(rows: Iterable[Row]) -> Mapping[str, Row]:
    ordered = sorted(rows, key=lambda row: (row.get("changed_at") or _EPOCH, row.get("created_at") or _EPOCH))
    return {row["org_slug"]: row for row in ordered}


def _by_org(rows: Iterable[Row]) -> Mapping[str, list[Row]]:
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["org_slug"]].append(row)
    return grouped


def _repeated(values: Iterable[Any]) -> frozenset[Any]:
    return frozenset(value for value, count in Counter(values).items() if count > 1)


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
