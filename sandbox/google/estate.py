"""What the simulated customer has at Google: billing accounts, instances in zones, and what the catalogue sells. Pure.

Given a seed; the same seed is the same estate. Shapes and names are those of the discovery documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs

from sandbox.dice import Dice
from sandbox.google.account import PROJECT

COMPUTE_ENGINE = "6F81-5844-456A"
SERVICES = {COMPUTE_ENGINE: "Compute Engine", "95FF-2EF5-5EA1": "Cloud Storage"}
PROJECTS = (PROJECT, "acme-dev", "acme-ml")
ZONES = tuple(
    f"{region}-{zone}"
    for region in ("europe-west1", "us-central1", "us-east1", "asia-northeast1")
    for zone in ("a", "b", "c")
)
_URL = "https://www.googleapis.com/compute/v1"
_MACHINES = ("e2-small", "e2-standard-4", "n2-standard-8", "n2d-highmem-16", "c3-standard-22", "a2-highgpu-1g")
_STATUSES = ("RUNNING",) * 8 + ("TERMINATED", "TERMINATED", "SUSPENDED", "STOPPING", "PROVISIONING")
_START = datetime(2026, 1, 1, tzinfo=UTC)
_PACIFIC = timezone(timedelta(hours=-7))

Resource = Mapping[str, Any]


@attrs.frozen
class Estate:
    """Draws everything from `seed`."""

    seed: int

    def billing_accounts(self) -> list[Resource]:
        """List billing accounts; one is a closed one, one a subaccount."""
        named = (("Acme Main", "EUR", True), ("Acme Labs", "USD", True), ("Acme before 2024", "USD", False))
        accounts: list[dict[str, Any]] = []
        for display, currency, is_open in named:
            dice = Dice(self.seed, "account", display)
            name = f"billingAccounts/{dice.below(16**6):06X}-{dice.below(16**6):06X}-{dice.below(16**6):06X}"
            accounts.append({"name": name, "open": is_open, "displayName": display, "currencyCode": currency})
        main = accounts[0]["name"]
        accounts[0]["parent"] = "organizations/123456789012"
        accounts[1] |= {"masterBillingAccount": main, "parent": main}
        return list(accounts)

    def projects_of(self, account: str) -> list[Resource] | None:
        """List the projects that a billing account pays for; None when there is no such account."""
        accounts = {one["name"]: one for one in self.billing_accounts()}
        if account not in accounts:
            return None
        owned = PROJECTS if account == next(iter(accounts)) else ()
        return [
            {
                "name": f"projects/{project}/billingInfo",
                "projectId": project,
                "billingAccountName": account,
                "billingEnabled": accounts[account]["open"],
            }
            for project in owned
        ]

    def instances(self, project: str) -> list[tuple[str, Resource]]:
        """List a project's instances with their zones, zone by zone; some zones have none."""
        found: list[tuple[str, Resource]] = []
        for zone in sorted(ZONES):
            dice = Dice(self.seed, project, zone)
            count = 0 if dice.one_in(3) else dice.between(1, 9)
            found += [(zone, _instance(Dice(self.seed, project, zone, n), project, zone, n)) for n in range(count)]
        return found

    def skus(self, service: str, currency: str) -> list[Resource] | None:
        """List what a service sells; None when there is no such service."""
        if service not in SERVICES:
            return None
        return [_sku(Dice(self.seed, service, number), service, currency, number) for number in range(60)]


def _instance(dice: Dice, project: str, zone: str, number: int) -> Resource:
    created = _START + timedelta(seconds=dice.below(250 * 86_400))
    started = created + timedelta(seconds=dice.below(30 * 86_400))
    where = f"{_URL}/projects/{project}/zones/{zone}"
    name, spot = f"{dice.pick(('web', 'batch', 'db', 'train'))}-{zone}-{number}", dice.one_in(4)
    instance: dict[str, Any] = {
        "kind": "compute#instance",
        "id": str(2**62 + dice.below(2**62)),
        "creationTimestamp": created.astimezone(_PACIFIC).isoformat(timespec="milliseconds"),
        "name": name,
        "machineType": f"{where}/machineTypes/{dice.pick(_MACHINES)}",
        "status": dice.pick(_STATUSES),
        "zone": where,
        "lastStartTimestamp": started.isoformat(timespec="milliseconds"),
        "cpuPlatform": dice.pick(("Intel Ice Lake", "AMD Milan", "Intel Sapphire Rapids")),
        "scheduling": {"provisioningModel": "SPOT" if spot else "STANDARD", "preemptible": spot},
        "disks": [{"kind": "compute#attachedDisk", "index": index} for index in range(dice.between(1, 3))],
        "networkInterfaces": [{"name": "nic0", "networkIP": f"10.128.{dice.below(256)}.{dice.between(2, 254)}"}],
        "selfLink": f"{where}/instances/{name}",
    }
    if dice.one_in(2):
        instance["labels"] = {"team": dice.pick(("search", "ads", "core")), "env": dice.pick(("prod", "test"))}
    return instance


def _sku(dice: Dice, service: str, currency: str, number: int) -> Resource:
    sku_id = f"{dice.below(16**4):04X}-{number:04X}-{dice.below(16**4):04X}"
    family, group, unit, words = dice.pick(
        (
            ("Compute", "CPU", "h", "hour"),
            ("Compute", "RAM", "GiBy.h", "gibibyte hour"),
            ("Storage", "SSD", "GiBy.mo", "gibibyte month"),
            ("Network", "PremiumInternetEgress", "GiBy", "gibibyte"),
        )
    )
    region = dice.pick(ZONES).rpartition("-")[0]
    expression = {
        "usageUnit": unit,
        "displayQuantity": 1,
        "tieredRates": _tiers(dice, currency, tiered=family == "Network"),
        "usageUnitDescription": words,
        "baseUnit": "s",
        "baseUnitDescription": "second",
        "baseUnitConversionFactor": 3600,
    }
    priced = {
        "summary": "",
        "pricingExpression": expression,
        "currencyConversionRate": 1,
        "effectiveTime": "2026-10-31T07:00:00.123456Z",
    }
    return {
        "name": f"services/{service}/skus/{sku_id}",
        "skuId": sku_id,
        "description": f"{group} in {region}",
        "category": {
            "serviceDisplayName": SERVICES[service],
            "resourceFamily": family,
            "resourceGroup": group,
            "usageType": dice.pick(("OnDemand", "Preemptible", "Commit1Yr")),
        },
        "serviceRegions": [region],
        "pricingInfo": [priced],
        "serviceProviderName": "Google",
    }


def _tiers(dice: Dice, currency: str, *, tiered: bool) -> list[Resource]:
    price = {"currencyCode": currency, "units": "0", "nanos": dice.between(1, 999_999_999)}
    if not tiered:
        return [{"startUsageAmount": 0, "unitPrice": price}]
    free = {"currencyCode": currency, "units": "0", "nanos": 0}
    return [
        {"startUsageAmount": 0, "unitPrice": free},
        {"startUsageAmount": 1, "unitPrice": price},
        {"startUsageAmount": 10240, "unitPrice": {**price, "units": "1"}},
    ]
