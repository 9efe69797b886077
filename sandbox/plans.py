"""Puts the subscription plans of the organisation `acme` into its dataset, as the platform's console would."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from google.cloud import bigquery
from google.cloud.exceptions import NotFound

from sandbox.bigquery.connect import PROJECT

ORG = "acme"
SCHEMA = Path(__file__).parent.parent / "configs/saas_subscription/costs/schemas/saas_subscription_plans.json"


def plans(today: date) -> list[Mapping[str, Any]]:
    """Return plans of every cycle and kind; one has ended, one is about to."""
    before, after = today - timedelta(days=40), today + timedelta(days=5)
    off = {"discount_type": "percent", "discount_value": 15}
    ended = {"status": "cancelled", "end_date": str(before)}
    per_seat = {"pricing_model": "PER_SEAT", "currency": "USD"}
    flat = {"pricing_model": "FLAT_FEE", "currency": "USD"}
    return [
        _plan("figma", "ORGANIZATION", "design", "annual", 540, yearly_price_usd=540, seats=6, **per_seat),
        _plan("slack", "PRO", "communication", "monthly", "8.75", seats=24, **per_seat),
        _plan("github", "TEAM", "development", "monthly", 4, seats=None, **per_seat),
        _plan("notion", "PLUS", "productivity", "monthly", 10, seats=0, **per_seat),
        _plan("claude_pro", "TEAM", "ai", "quarterly", 90, seats=5, **off, **per_seat),
        _plan("datadog", "PRO", "analytics", "semi_annual", 1800, discount_type="fixed", discount_value=150, **flat),
        _plan("personio", "CORE", "productivity", "weekly", 42, **{**flat, "currency": "EUR"}),
        _plan("asana", "STARTER", "project_management", "monthly", 99, **ended, **flat),
        _plan("canva", "TEAMS", "design", "monthly", 30, end_date=str(after), contract_id="CN-2209", **flat),
    ]  # fmt: skip


def seed_plans(client: bigquery.Client) -> None:
    """Create and fill the table, unless it is there."""
    declared = json.loads(SCHEMA.read_text())
    path = f"{PROJECT}.{ORG}_local.{declared['table']}"
    try:
        client.get_table(path)
    except NotFound:
        columns = [bigquery.SchemaField(one["name"], one["type"], one["mode"]) for one in declared["columns"]]
        table = bigquery.Table(path, schema=columns)
        table.time_partitioning = bigquery.TimePartitioning(field=declared["partition"]["field"])
        table.clustering_fields = declared["clustering"]
        client.create_table(table)
        rows = [dict(one) for one in plans(datetime.now(UTC).date())]
        config = bigquery.LoadJobConfig(write_disposition="WRITE_APPEND")
        client.load_table_from_json(rows, path, job_config=config).result()


def _plan(provider: str, name: str, category: str, cycle: str, price: int | str, **said: Any) -> Mapping[str, Any]:
    return {
        "org_slug": ORG,
        "subscription_id": f"sub_{provider}_{name.lower()}",
        "provider": provider,
        "plan_name": name,
        "display_name": provider.replace("_", " ").title(),
        "category": category,
        "status": "active",
        "start_date": "2024-01-15",
        "billing_cycle": cycle,
        "seats": 1,
        "unit_price_usd": price,
        "auto_renew": True,
        "department": "engineering",
        "owner_email": f"it@{ORG}.example",
        "updated_at": "2024-01-15T09:00:00Z",
        **said,
    }
