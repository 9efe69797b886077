"""All organisations at one moment, from the rows of configs/system/sql/directory.sql. Doubtful rows are left out.

Rows are taken one by one and let go; what is as it was in the snapshot before is that snapshot's own object, so that
ten thousand organisations cost their memory once, and a refresh that finds nothing new leaves nothing behind.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar, cast

from attrs import field, frozen

from workers.catalog import org_rows
from workers.catalog.plans import Plans
from workers.model.org import SLUG, Integration, Org, OrgKey, Subscription
from workers.model.table import IDENTIFIER
from workers.ports import Row

T = TypeVar("T")

_HASH = re.compile(r"[0-9a-f]{64}\Z")


@frozen
class Snapshot:
    """Keys by their SHA-256 and organisations by their slug; `doubtful` counts the rows that were left out."""

    keys: Mapping[str, OrgKey] = field(factory=dict, repr=False)
    orgs: Mapping[str, Org] = field(factory=dict, repr=False)
    doubtful: int = 0


NOTHING = Snapshot()


def snapshot_of(
    rows: Iterable[Row], plans: Plans, canonical: Callable[[str], str], before: Snapshot = NOTHING
) -> Snapshot:
    """Make a snapshot. Of several profiles or subscriptions of an organisation the one changed last counts.

    A key whose hash stands in two rows opens nothing, and a dataset that two organisations claim belongs to neither.
    """
    gathering = _Gathering(plans, canonical, before)
    for row in rows:
        gathering.take(row)
    return _same(before, gathering.snapshot())


class _Latest(Generic[T]):
    """Of each organisation the value that was changed last; of two changed together the one that came later."""

    def __init__(self) -> None:
        self.values: dict[str, T] = {}
        self._changed: dict[str, int] = {}

    def take(self, slug: str, row: Row, value: T) -> None:
        changed = org_rows.changed(row)
        if slug not in self.values or changed >= self._changed[slug]:
            self.values[slug], self._changed[slug] = value, changed


class _Gathering:
    """What the rows so far amount to."""

    def __init__(self, plans: Plans, canonical: Callable[[str], str], before: Snapshot) -> None:
        self._plans = plans
        self._canonical = canonical
        self._before = before
        self._profiles: _Latest[Org] = _Latest()
        self._subscriptions: _Latest[Subscription] = _Latest()
        self._integrations: dict[str, list[Integration]] = {}
        self._keys: dict[str, OrgKey] = {}
        self._twice: set[str] = set()
        self._doubtful = 0
        self._once: dict[object, object] = {}

    def take(self, row: Row) -> None:
        """Add a row; nothing of it is kept but what counts."""
        slug = org_rows.text(row, "org_slug")
        if not SLUG.match(slug):
            self._doubtful += 1
            return
        known = self._known(slug)
        slug = known.slug if known else self._shared(slug)
        match row.get("kind"):
            case "profile":
                self._profile(slug, row)
            case "key":
                self._key(slug, row)
            case "subscription":
                self._subscription(slug, row)
            case "integration":
                self._integration(slug, row)

    def snapshot(self) -> Snapshot:
        """Put together what belongs together."""
        for sha256 in self._twice:
            del self._keys[sha256]
            self._doubtful += 1
        claims = Counter(profile.dataset for profile in self._profiles.values.values())
        orgs = {
            slug: self._org(profile)
            for slug, profile in self._profiles.values.items()
            if IDENTIFIER.match(profile.dataset) and claims[profile.dataset] == 1
        }
        return Snapshot(self._keys, orgs, self._doubtful + len(self._profiles.values) - len(orgs))

    def _profile(self, slug: str, row: Row) -> None:
        known, found = self._known(slug), Org(slug, org_rows.word(row, "status"), org_rows.text(row, "name"))
        same = known is not None and (known.status, known.dataset) == (found.status, found.dataset)
        self._profiles.take(slug, row, known if known is not None and same else found)

    def _subscription(self, slug: str, row: Row) -> None:
        known, found = self._known(slug), org_rows.subscription(row, self._plans)
        same = _same(known.subscription if known else None, found)
        self._subscriptions.take(slug, row, self._shared(found) if same is found else same)

    def _integration(self, slug: str, row: Row) -> None:
        known, found = self._known(slug), org_rows.integration(row, self._canonical)
        same = next((one for one in known.integrations if one == found), found) if known else found
        self._integrations.setdefault(slug, []).append(same)

    def _key(self, slug: str, row: Row) -> None:
        found = org_rows.key(row, slug)
        if found.sha256 in self._keys:
            self._twice.add(found.sha256)
        if found.sha256 in self._keys or not _HASH.match(found.sha256):
            self._doubtful += 1
        else:
            same = _same(self._before.keys.get(found.sha256), found)
            self._keys[same.sha256] = same

    def _org(self, profile: Org) -> Org:
        """Return the organisation with what it has; its integrations by their id, whatever order they came in."""
        found = Org(
            profile.slug,
            profile.status,
            profile.dataset,
            self._subscriptions.values.get(profile.slug),
            tuple(sorted(self._integrations.get(profile.slug, ()), key=lambda one: one.credential_id)),
        )
        return _same(self._known(profile.slug), found)

    def _known(self, slug: str) -> Org | None:
        return self._before.orgs.get(slug)

    def _shared(self, value: T) -> T:
        """Return the one object that stands for this value among these rows."""
        return cast("T", self._once.setdefault(value, value))


def _same(known: T | None, found: T) -> T:
    return known if known is not None and known == found else found
