"""The organisation's own account: two endpoints that are in no published specification, as clients have seen them."""

from __future__ import annotations

import json

NAMES = {"/v1/organization": "organization", "/v1/dashboard/billing/subscription": "subscription"}
"""What fault rules call each path."""

_DOCUMENTS = {
    "organization": {
        "object": "organization",
        "id": "org-aCm3Sh0p5",
        "name": "acme-shops",
        "title": "Acme Shops",
        "is_default": True,
        "personal": False,
        "tier": "tier-4",
    },
    "subscription": {
        "object": "billing_subscription",
        "has_payment_method": True,
        "canceled": False,
        "access_until": 1830297600,
        "hard_limit": 1666667,
        "soft_limit": 1250000,
        "system_hard_limit": 8333333,
        "plan": {"title": "Pay-as-you-go", "id": "payg"},
        "account_name": "Acme Shops",
        "hard_limit_usd": 100.00002,
        "soft_limit_usd": 75.0,
        "system_hard_limit_usd": 499.99998,
    },
}


def account_document(name: str) -> bytes:
    """Return the answer of one of the endpoints."""
    return json.dumps(_DOCUMENTS[name]).encode()
