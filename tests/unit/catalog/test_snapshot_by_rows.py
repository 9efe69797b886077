"""A snapshot made row by row is the one made of all rows at once, and shares what has not changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.catalog.test_snapshot import HASH, PLANS, THEN, key, profile, row, subscription
from workers.catalog import org_rows
from workers.catalog.snapshot import NOTHING, Snapshot, snapshot_of
from workers.model.org import SLUG, Org
from workers.model.table import IDENTIFIER

Rows = list[dict[str, Any]]

SLUGS = st.sampled_from(["acme", "globex", "initech", "a-c"])
TIMES = st.sampled_from([None, THEN - timedelta(days=40_000), THEN, THEN + timedelta(microseconds=1)])
STATUSES = st.sampled_from(["ACTIVE", "SUSPENDED", None])
NAMES: dict[str, list[str | None]] = {
    "profile": ["acme_local", "globex_local", "shared", "a.b", None],
    "key": [HASH, HASH.upper(), "b" * 64, "short", None],
    "subscription": ["SCALE", "STARTER"],
    "integration": ["OPENAI", "ANTHROPIC"],
    "unheard of": ["x"],
}
SOME = st.lists(
    st.sampled_from(sorted(NAMES)).flatmap(
        lambda kind: st.fixed_dictionaries(
            {
                "kind": st.just(kind),
                "org_slug": SLUGS,
                "id": st.sampled_from(["1", "2"]),
                "name": st.sampled_from(NAMES[kind]),
                "status": STATUSES,
                "changed_at": TIMES,
                "created_at": TIMES,
            }
        )
    ),
    max_size=25,
)


def at_once(rows: Sequence[dict[str, Any]]) -> Snapshot:
    """The rules, said of all rows together."""
    sound = [one for one in rows if SLUG.match(one["org_slug"])]
    kinds = {kind: [one for one in sound if one["kind"] == kind] for kind in NAMES}
    profiles, subscriptions = (
        {one["org_slug"]: one for one in sorted(kinds[kind], key=org_rows.changed)}
        for kind in ("profile", "subscription")
    )
    claims = Counter(one["name"] for one in profiles.values())
    orgs = {
        slug: Org(
            slug,
            one["status"] or "",
            one["name"],
            org_rows.subscription(subscriptions[slug], PLANS) if slug in subscriptions else None,
            tuple(
                org_rows.integration(found, str)
                for found in sorted(kinds["integration"], key=lambda one: one["id"])
                if found["org_slug"] == slug
            ),
        )
        for slug, one in profiles.items()
        if claims[one["name"]] == 1 and IDENTIFIER.match(one["name"] or "")
    }
    hashes = Counter((one["name"] or "").lower() for one in kinds["key"])
    found = [org_rows.key(one, one["org_slug"]) for one in kinds["key"]]
    keys = {one.sha256: one for one in found if hashes[one.sha256] == 1 and len(one.sha256) == len(HASH)}
    doubtful = len(rows) - len(sound) + len(profiles) - len(orgs) + len(found) - len(keys)
    return Snapshot(keys, orgs, doubtful)


def in_pages(rows: Sequence[dict[str, Any]], size: int) -> Iterator[dict[str, Any]]:
    """Rows as an engine reads them: nothing is left of a page when the next one comes."""
    for start in range(0, len(rows), size):
        page = [dict(one) for one in rows[start : start + size]]
        yield from page
        for one in page:
            one.clear()


@given(rows=SOME, size=st.integers(1, 30))
def test_rows_in_any_order_and_pages_of_any_size_make_the_snapshot_of_the_whole(rows: Rows, size: int) -> None:
    assert snapshot_of(in_pages(rows, size), PLANS, str) == at_once(rows)


@given(earlier=SOME, rows=SOME)
def test_a_snapshot_is_the_same_whatever_was_known_before(earlier: Rows, rows: Rows) -> None:
    before = snapshot_of(earlier, PLANS, str)
    assert snapshot_of(rows, PLANS, str, before) == at_once(rows)


@given(rows=SOME, data=st.data())
def test_what_has_not_changed_is_the_same_object(rows: Rows, data: st.DataObject) -> None:
    before = snapshot_of(rows, PLANS, str)
    more = data.draw(SOME)
    after = snapshot_of(in_pages([*rows, *more], 3), PLANS, str, before)
    assert all(after.keys[name] is one for name, one in before.keys.items() if after.keys.get(name) == one)
    assert all(after.orgs[name] is one for name, one in before.orgs.items() if after.orgs.get(name) == one)
    assert snapshot_of(in_pages(rows, 3), PLANS, str, before) is before


def test_of_an_organisation_that_changed_the_rest_is_the_same_object() -> None:
    stored = [row("integration", id=name, name="OPENAI", status="VALID") for name in ("c1", "c2")]
    before = snapshot_of([profile(), subscription(), *stored], PLANS, str).orgs["acme"]
    rows = [profile(status="SUSPENDED"), subscription(), *stored[::-1]]
    after = snapshot_of(rows, PLANS, str, Snapshot({}, {"acme": before})).orgs["acme"]
    assert (before.status, after.status) == ("ACTIVE", "SUSPENDED")
    assert after.subscription is before.subscription
    assert [new is old for new, old in zip(after.integrations, before.integrations, strict=True)] == [True, True]


def test_what_organisations_have_in_common_is_kept_once() -> None:
    rows = [subscription(), row("subscription", "globex", name="SCALE", status="ACTIVE")]
    found = snapshot_of([profile(), profile("globex"), key(org_slug="".join("acme")), *rows], PLANS, str, NOTHING)
    assert found.orgs["acme"].subscription is found.orgs["globex"].subscription
    assert found.keys[HASH].org_slug is found.orgs["acme"].slug
