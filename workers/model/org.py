"""Organisations as the directory knows them, and who is calling."""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import StrEnum

from attrs import frozen

from workers.model.credential import USABLE
from workers.model.scope import grants

SLUG = re.compile(r"[a-z0-9_]{3,50}\Z")
NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}\Z")


@frozen
class Subscription:
    """What an organisation may use; limits count runs, `weight` is its share beside other organisations.

    Seats and providers are limited by the platform; they are only published here.
    """

    status: str
    plan_name: str
    daily_limit: int
    monthly_limit: int
    concurrent_limit: int
    weight: float = 1.0
    trial_end_date: date | None = None
    end_date: date | None = None
    seat_limit: int | None = None
    providers_limit: int | None = None

    def obstacle(self, today: date) -> str | None:
        """Say why it does not allow runs today: only ACTIVE or TRIAL does, not past its end date; None when it does."""
        if self.status not in {"ACTIVE", "TRIAL"}:
            return f"the subscription is {self.status or 'unknown'}, not ACTIVE or TRIAL"
        if self.status == "TRIAL" and self.trial_end_date is not None and self.trial_end_date < today:
            return f"the trial ended on {self.trial_end_date}"
        if self.end_date is not None and self.end_date < today:
            return f"the subscription ended on {self.end_date}"
        return None


@frozen
class Integration:
    """A stored credential without its secret; `last_error` is why its last validation failed."""

    credential_id: str
    provider: str
    status: str
    active: bool = True
    last_error: str = ""

    @property
    def usable(self) -> bool:
        """Whether a run may start on it: it is active, and a validation that failed is not all that is known of it.

        A rejected credential (INVALID) is tried again by whoever uses it; an EXPIRED one is over.
        """
        return self.active and self.status in USABLE

    @property
    def obstacle(self) -> str:
        """Say why no run may start on it; empty when one may."""
        if self.usable:
            return ""
        standing = f"is {self.status or 'without a status'}" if self.active else "is switched off"
        refused = f"; it was {self.status} when it was last validated" if not self.active and self.last_error else ""
        return f"the {self.provider} credential {standing}{refused}{f': {self.last_error}' if self.last_error else ''}"


@frozen
class OrgKey:
    """An organisation's API key as its SHA-256; a key that was given no scopes (None) may do everything."""

    key_id: str
    org_slug: str
    sha256: str
    expires_at: datetime | None = None
    scopes: frozenset[str] | None = None


@frozen
class Org:
    """An organisation with what it may do."""

    slug: str
    status: str
    dataset: str
    subscription: Subscription | None = None
    integrations: tuple[Integration, ...] = ()

    def allows(self, today: date) -> bool:
        """Whether its pipelines may run today."""
        return self.obstacle(today) is None

    def obstacle(self, today: date) -> str | None:
        """Say what keeps its pipelines from running today; None when nothing does."""
        if self.status != "ACTIVE":
            return f"the organisation is {self.status or 'unknown'}, not ACTIVE"
        if self.subscription is None:
            return "the organisation has no subscription"
        return self.subscription.obstacle(today)

    def integration(self, provider: str) -> Integration | None:
        """Return the usable credential for a provider."""
        return next((found for found in self.integrations if found.provider == provider and found.usable), None)

    def without(self, provider: str) -> str:
        """Say why there is no usable credential for a provider; empty when there is one."""
        stored = [found.obstacle for found in self.integrations if found.provider == provider]
        return min(stored, default=f"there is no credential for {provider}")


class Caller(StrEnum):
    """Kinds of caller."""

    ORG = "ORG"
    ROOT = "ROOT"
    NOBODY = "NOBODY"


@frozen
class Principal:
    """Who is calling: the kind of key, its organisation (None for root and nobody) and the key's id for the audit.

    Scopes are those of an organisation's key; None is every scope.
    """

    caller: Caller
    org_slug: str | None = None
    key_id: str = ""
    scopes: frozenset[str] | None = None

    def may(self, scope: str) -> bool:
        """Whether the key's scopes cover what a method needs."""
        return not scope or self.scopes is None or grants(self.scopes, scope)
