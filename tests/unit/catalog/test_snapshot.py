from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from workers.catalog.plans import Plan, Plans, PlansFile
from workers.catalog.snapshot import Snapshot, snapshot_of
from workers.model.org import Integration, OrgKey, Subscription

THEN = datetime(2025, 1, 1, tzinfo=UTC)
HASH = "a" * 64
PLANS = Plans(PlansFile("STARTER", {"STARTER": Plan(6, 180, 20, 1.0), "SCALE": Plan(100, 3000, 30, 4.0)}))


def row(kind: str, org: Any = "acme", **values: Any) -> dict[str, Any]:
    return {"kind": kind, "org_slug": org, "changed_at": THEN, "created_at": THEN, **values}


def profile(org: Any = "acme", **values: Any) -> dict[str, Any]:
    return row("profile", org, **{"name": f"{org}_local", "status": "ACTIVE", **values})


def subscription(**values: Any) -> dict[str, Any]:
    return row("subscription", **{"name": "SCALE", "status": "ACTIVE", **values})


def key(**values: Any) -> dict[str, Any]:
    return row("key", **{"id": "k1", "name": HASH, **values})


def snapshot(*rows: dict[str, Any]) -> Snapshot:
    names = {"CLAUDE": "ANTHROPIC"}
    return snapshot_of(rows, PLANS, lambda name: names.get(name, name))


def test_rows_become_an_organisation() -> None:
    found = snapshot(
        profile(),
        subscription(daily_limit=7, monthly_limit=70, concurrent_limit=3, trial_end_date=date(2026, 1, 1)),
        row("integration", id="c1", name="CLAUDE", status="VALID", is_active=True),
        key(),
    )
    org = found.orgs["acme"]
    assert (org.status, org.dataset) == ("ACTIVE", "acme_local")
    assert org.subscription == Subscription("ACTIVE", "SCALE", 7, 70, 3, 4.0, date(2026, 1, 1))
    assert org.integrations == (Integration("c1", "ANTHROPIC", "VALID"),)
    assert found.keys == {HASH: OrgKey("k1", "acme", HASH)}
    assert found.doubtful == 0


@pytest.mark.parametrize(
    ("given", "scopes"),
    [(None, None), ("", frozenset()), ("pipelines:* audit:read", frozenset({"pipelines:*", "audit:read"}))],
)
def test_only_a_key_without_any_scopes_has_all(given: str | None, scopes: frozenset[str] | None) -> None:
    assert snapshot(key(scopes=given)).keys[HASH].scopes == scopes


def test_a_credential_that_is_switched_off_is_known_with_what_was_wrong() -> None:
    stored = {"id": "c1", "name": "CLAUDE", "status": "INVALID", "is_active": False}
    found = snapshot(profile(), row("integration", **stored, last_error="Incorrect key: sk-ant-admin-0123456789abcdef"))
    (known,) = found.orgs["acme"].integrations
    assert known == Integration("c1", "ANTHROPIC", "INVALID", active=False, last_error="Incorrect key: ***")
    assert not known.usable


@pytest.mark.parametrize(
    ("plan", "limits"), [("SCALE", (100, 3000, 30, 4.0)), ("GALAXY", (6, 180, 20, 1.0)), (None, (6, 180, 20, 1.0))]
)
def test_a_plan_stands_in_where_a_subscription_says_nothing(plan: str | None, limits: tuple[float, ...]) -> None:
    found = snapshot(profile(), subscription(name=plan)).orgs["acme"].subscription
    assert found is not None
    assert (found.daily_limit, found.monthly_limit, found.concurrent_limit, found.weight) == limits


def test_a_zero_is_a_limit_and_not_a_silence() -> None:
    found = snapshot(profile(), subscription(daily_limit=0)).orgs["acme"].subscription
    assert found is not None
    assert found.daily_limit == 0


@pytest.mark.parametrize("turned", [False, True])
def test_the_subscription_that_changed_last_counts(turned: bool) -> None:
    rows = [subscription(), subscription(status="CANCELLED", changed_at=THEN + timedelta(days=1))]
    org = snapshot(profile(), *(reversed(rows) if turned else rows)).orgs["acme"]
    assert org.subscription is not None
    assert org.subscription.status == "CANCELLED"
    assert not org.allows(date(2025, 2, 1))


def test_of_two_that_changed_together_the_younger_counts() -> None:
    rows = [subscription(status="EXPIRED"), subscription(created_at=THEN + timedelta(days=1))]
    for order in (rows, rows[::-1]):
        assert snapshot(profile(), *order).orgs["acme"].allows(date(2025, 2, 1))


@pytest.mark.item("I131")
@pytest.mark.parametrize("status", ["active", "Trial", "PAUSED", "", None])
def test_an_unknown_status_is_not_allowed(status: str | None) -> None:
    assert not snapshot(profile(), subscription(status=status)).orgs["acme"].allows(date(2025, 2, 1))
    assert not snapshot(profile(status=status), subscription()).orgs["acme"].allows(date(2025, 2, 1))


@pytest.mark.item("I132")
@pytest.mark.parametrize("slug", ["ac", "Acme", "acme'; --", "a-c", "`acme`", "", None, 5, "a" * 51, "acme\n"])
def test_a_row_with_a_bad_slug_is_left_out(slug: Any) -> None:
    found = snapshot(profile(slug), key(org_slug=slug), profile("other_org"))
    assert list(found.orgs) == ["other_org"]
    assert (found.keys, found.doubtful) == ({}, 2)


@pytest.mark.parametrize("dataset", ["a.b", "a`b", "a-b", "", None, "9lives"])
def test_an_organisation_without_a_sound_dataset_is_left_out(dataset: str | None) -> None:
    assert snapshot(profile(name=dataset)) == Snapshot({}, {}, 1)


def test_a_dataset_that_two_claim_belongs_to_neither() -> None:
    found = snapshot(profile("acme", name="shared"), profile("globex", name="shared"), profile("initech"))
    assert (list(found.orgs), found.doubtful) == (["initech"], 2)


def test_a_hash_that_stands_twice_opens_nothing() -> None:
    assert snapshot(profile(), key(), key(org_slug="globex", id="k2")).keys == {}


@pytest.mark.parametrize("sha256", ["", None, "a" * 63, "g" * 64, "a" * 65])
def test_what_is_no_hash_is_no_key(sha256: str | None) -> None:
    assert snapshot(profile(), key(name=sha256)).keys == {}


def test_a_hash_in_capitals_is_the_same_hash() -> None:
    assert list(snapshot(profile(), key(name=HASH.upper())).keys) == [HASH]


def test_an_organisation_without_a_subscription_may_run_nothing() -> None:
    assert not snapshot(profile()).orgs["acme"].allows(date(2025, 2, 1))
