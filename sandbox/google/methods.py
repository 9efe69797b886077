"""The methods that are simulated: their paths, the scopes each takes, and what writes their pages."""

from __future__ import annotations

import attrs

from sandbox.google import lists

_CLOUD = "https://www.googleapis.com/auth"
_BILLING = frozenset(f"{_CLOUD}/{name}" for name in ("cloud-billing", "cloud-billing.readonly", "cloud-platform"))
_COMPUTE = frozenset(f"{_CLOUD}/{name}" for name in ("compute", "compute.readonly", "cloud-platform"))


@attrs.frozen
class Method:
    """One method; `name` is what fault rules call it."""

    name: str
    path: str
    scopes: frozenset[str]
    write: lists.Write


METHODS = (
    Method("billing_accounts", "/v1/billingAccounts", _BILLING, lists.billing_accounts),
    Method("projects", "/v1/billingAccounts/{account}/projects", _BILLING, lists.projects),
    Method("skus", "/v1/services/{service}/skus", _BILLING, lists.skus),
    Method("instances", "/compute/v1/projects/{project}/aggregated/instances", _COMPUTE, lists.instances),
)
TOKEN = "token"  # noqa: S105 - what fault rules call the token endpoint
