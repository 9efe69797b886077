"""A Cloud Billing export through the edge: copied from a project of the organisation's own, to the last digit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.billing.export import Export
from sandbox.billing.seed import ACCOUNT, ROWS_A_DAY
from sandbox.google.account import PROJECT
from tests.fakes.org_client import step_of
from tests.plugins.sandbox import Running
from workers.model.window import DateWindow

BILLING = "gcp/cost/billing"
EXPORT = Export(ACCOUNT, detailed=True, rows_a_day=ROWS_A_DAY)
BY_MONTH = """
SELECT invoice_month, COUNT(*) AS n, SUM(cost + credits_total) AS net FROM acme_local.gcp_billing_daily_raw
GROUP BY invoice_month
"""


def by_month(first: date, last: date) -> dict[str, tuple[int, Decimal]]:
    """Rows and net cost of what was exported on these days, by invoice."""
    found: dict[str, tuple[int, Decimal]] = {}
    for row in (row for day in DateWindow(first, last) for row in EXPORT.arrived(day)):
        amounts: list[Any] = [row["cost"], *(one["amount"] for one in row.get("credits", ()))]
        net = sum((Decimal(repr(amount)).quantize(Decimal("1e-9")) for amount in amounts), Decimal(0))
        count, before = found.get(row["invoice"]["month"], (0, Decimal(0)))
        found[row["invoice"]["month"]] = (count + 1, before + net)
    return found


async def test_the_export_stands_in_the_warehouse_with_its_invoices(sandbox: Running) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    run = await sandbox.org("acme").done(BILLING, date=yesterday.isoformat())
    assert run["status"] == "COMPLETED", run
    told = step_of(run, "extract_billing")["output"]
    assert told["exports"] == [f"{PROJECT}.billing_export.{EXPORT.table}"]
    assert (told["days_read"], told["last_day"]) == (10, yesterday.isoformat())
    found = {row["invoice_month"]: (row["n"], row["net"]) for row in await sandbox.query(BY_MONTH)}
    assert found == by_month(date.fromisoformat(told["first_day"]), yesterday)


async def test_an_export_that_nobody_declared_is_asked_for(sandbox: Running) -> None:
    run = await sandbox.org("cloudy").done(BILLING)
    assert (run["status"], run["error"]["reason"]) == ("FAILED", "CONFIG_INVALID")
    assert "give export_dataset and export_table to the run" in run["error"]["message"]
