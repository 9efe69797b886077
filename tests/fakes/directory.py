"""A directory of organisations held in memory; it keeps every hash it was asked for."""

from __future__ import annotations

import hashlib
from datetime import datetime

from attrs import define, field

from workers.model.failure import FailedError
from workers.model.org import Integration, Org, OrgKey, Subscription


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@define(eq=False)
class OrgBook:
    """Answers as the real directory does, except that a change is seen at once."""

    keys: dict[str, OrgKey] = field(factory=dict)
    orgs: dict[str, Org] = field(factory=dict)
    asked: list[str] = field(factory=list)
    away: FailedError | None = None

    def enrol(
        self, slug: str, key: str, expires_at: datetime | None = None, scopes: frozenset[str] | None = None
    ) -> None:
        """Add an organisation that may run everything, and a key of it."""
        subscription = Subscription("ACTIVE", "PRO", 1000, 10_000, 5)
        integrations = (Integration("cred-1", "OPENAI", "VALID"),)
        self.orgs[slug] = Org(slug, "ACTIVE", f"{slug}_local", subscription, integrations)
        self.keys[sha256(key)] = OrgKey(f"key-of-{slug}", slug, sha256(key), expires_at, scopes)

    def revoke(self, key: str) -> None:
        del self.keys[sha256(key)]

    async def find_key(self, sha256_hex: str) -> OrgKey | None:
        self.asked.append(sha256_hex)
        if self.away is not None:
            raise self.away
        return self.keys.get(sha256_hex)

    async def org(self, slug: str) -> Org | None:
        return self.orgs.get(slug)
