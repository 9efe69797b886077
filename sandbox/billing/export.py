"""The rows that come to an export on a day: usage of that day and the one before, credits, taxes, late corrections.

Given an account and a day; hands on the same rows every time, in the shape of the published schemas. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from attrs import frozen

from sandbox.dice import Dice

Row = dict[str, Any]

SERVICES = (
    ("6F81-5844-456A", "Compute Engine", "hour", "hour", "n2-standard-8"),
    ("95FF-2EF5-5EA1", "Cloud Storage", "byte-seconds", "gibibyte month", "archive-bucket"),
    ("24E6-581D-38E5", "BigQuery", "bytes", "tebibyte", "analysis"),
    ("C7E2-9256-1C43", "Vertex AI", "count", "count", "gemini-endpoint"),
)
REGIONS = ("us-central1", "europe-west3", "asia-east1")
PROJECTS = ("acme-prod", "acme-staging", "acme-data")
CORRECTED_EVERY = 5
"""Every so many days come corrections of usage that is long over."""


@frozen
class Export:
    """An account's export; `rows_a_day` of usage. A row is the same in both forms, but for what only one has."""

    account: str
    detailed: bool = False
    rows_a_day: int = 24

    @property
    def table(self) -> str:
        """The name of its table."""
        form = "resource_v1" if self.detailed else "v1"
        return f"gcp_billing_export_{form}_{self.account.replace('-', '_')}"

    def arrived(self, day: date) -> Iterator[Row]:
        """Yield the rows that were exported on a day."""
        for number in range(self.rows_a_day):
            yield self._usage(day, number)
        if day.day == 1:
            yield self._tax(day)
        if day.toordinal() % CORRECTED_EVERY == 0:
            yield self._correction(day)

    def _usage(self, day: date, number: int) -> Row:
        dice = Dice(self.account, day, number)
        began = _midnight(day) + timedelta(hours=dice.between(-20, 3))
        service, name, unit, pricing_unit, resource = dice.pick(SERVICES)
        project, region = dice.pick(PROJECTS), dice.pick(REGIONS)
        amount = dice.between(1, 10_000_000) / 977
        cost = dice.between(0, 50_000_000) / 1_000_003
        row = self._row(day, began, cost, "regular", began.strftime("%Y%m")) | {
            "service": {"id": service, "description": name},
            "sku": {"id": f"{dice.below(65536):04X}-0000-0001", "description": f"{name} in {region}"},
            "project": _project(project),
            "labels": [{"key": "team", "value": dice.pick(("web", 'data "x"', "ml"))}] if dice.one_in(2) else [],
            "system_labels": [{"key": "compute.googleapis.com/cores", "value": "8"}] if dice.one_in(3) else [],
            "location": {"location": region, "country": "US", "region": region, "zone": f"{region}-a"},
            "usage": {
                "amount": amount,
                "unit": unit,
                "amount_in_pricing_units": amount / 3600,
                "pricing_unit": pricing_unit,
            },
            "credits": [*_credits(dice, cost)],
            "cost_at_list": cost * 1.25,
            "price": {"effective_price": "0.031611", "list_price": "0.0395", "unit": pricing_unit},
        }
        if self.detailed:
            row["resource"] = {"name": f"{resource}-{number}", "global_name": f"//{project}/{resource}-{number}"}
        return row

    def _tax(self, day: date) -> Row:
        """Charge the tax of last month: it belongs to no project, and its invoice is not that of its day."""
        before = _midnight(day) - timedelta(days=1)
        return self._row(day, before, 19.87 + day.month / 3, "tax", before.strftime("%Y%m"))

    def _correction(self, day: date) -> Row:
        """Take back some of the cost of usage weeks ago, on the invoice of today."""
        dice = Dice(self.account, day, "correction")
        began = _midnight(day) - timedelta(days=dice.between(6, 45))
        row = self._row(day, began, -dice.between(1, 9_000) / 1009, "adjustment", day.strftime("%Y%m"))
        info = {"id": f"adj-{day}", "description": "correction", "mode": "PARTIAL_CORRECTION", "type": "GENERAL"}
        return row | {"project": _project(PROJECTS[0]), "adjustment_info": info}

    def _row(self, day: date, began: datetime, cost: float, cost_type: str, month: str) -> Row:
        exported = max(_midnight(day), began) + timedelta(hours=4, minutes=Dice(self.account, day, cost).below(600))
        return {
            "billing_account_id": self.account,
            "usage_start_time": began.isoformat(),
            "usage_end_time": (began + timedelta(hours=1)).isoformat(),
            "export_time": exported.isoformat(),
            "cost": cost,
            "cost_type": cost_type,
            "currency": "EUR",
            "currency_conversion_rate": 0.9183,
            "invoice": {"month": month, "publisher_type": "GOOGLE"},
            "transaction_type": "GOOGLE",
            "seller_name": "Google",
        }


def _credits(dice: Dice, cost: float) -> Iterator[Mapping[str, Any]]:
    if dice.one_in(2):
        yield {"name": "Sustained use", "amount": -cost / 7, "id": "sustained", "type": "SUSTAINED_USAGE_DISCOUNT"}
    if dice.one_in(4):
        yield {"name": "Committed use", "amount": -cost / 11, "id": "committed", "type": "COMMITTED_USAGE_DISCOUNT"}


def _project(name: str) -> Row:
    return {"id": name, "name": name, "number": "123456789012", "labels": [{"key": "env", "value": name[5:]}]}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
