"""The copy of a billing export against sums of the export itself, through late days, corrections and repetitions."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from sandbox.billing.export import Export
from tests.conformance.gcp.conftest import TABLE, Books, summed
from workers.model.failure import FailedError, Reason
from workers.model.window import DateWindow

TODAY = date(2025, 6, 15)
YESTERDAY = TODAY - timedelta(days=1)
DETAILED = Export("01AB23-45CD67-89EF01", detailed=True)


def days(first: date, last: date) -> list[date]:
    return list(DateWindow(first, last))


def arrived(*exports: Export, first: date, last: date) -> list[dict[str, object]]:
    return [row for export in exports for day in days(first, last) for row in export.arrived(day)]


async def test_late_and_corrected_rows_are_there_exactly_once_whichever_way_they_come(books: Books) -> None:
    first = date(2025, 6, 9)
    await books.exported(DETAILED, days(first, YESTERDAY))
    paged = await books.run(YESTERDAY)
    sent = arrived(DETAILED, first=first, last=YESTERDAY)
    assert await books.kept() == summed(sent)
    assert paged.rows == paged.output["rows_written"] == len(sent)
    assert (await books.run(YESTERDAY)).output["days_read"] == 0

    late = {**next(DETAILED.arrived(YESTERDAY)), "cost": 7.25, "export_time": "2025-06-14T23:59:59.5Z"}
    foreign = {**next(DETAILED.arrived(TODAY)), "billing_account_id": "FFFFFF-000000-000000"}
    await books.exported(DETAILED, [TODAY], [late, foreign])
    books.accounts.append(DETAILED.account)
    moved = await books.run(YESTERDAY, through="service")
    assert [moved.output[name] for name in ("first_day", "last_day")] == ["2025-06-14", "2025-06-15"]
    assert await books.kept() == summed([*sent, late, *arrived(DETAILED, first=TODAY, last=TODAY)])
    for day in (YESTERDAY, TODAY):
        await _holds_what_was_exported(books, day)


async def _holds_what_was_exported(books: Books, day: date) -> None:
    usage = next(row for row in DETAILED.arrived(day) if row.get("labels") and row["credits"])
    sql = (
        "SELECT org_slug, service_id, project_name, location_region, usage_unit, invoice_month, ingestion_date,"
        " JSON_VALUE(labels_json, '$[0].value') AS label, JSON_VALUE(credits_json, '$[0].type') AS credit,"
        " JSON_VALUE(price_json, '$.list_price') AS price, JSON_VALUE(project_labels_json, '$[0].key') AS env,"
        f" currency_conversion_rate AS rate FROM {{dataset}}.{TABLE}"
        " WHERE resource_global_name = @resource AND ingestion_date = @day"
    )
    [found] = await books.desk.rows(sql, resource=usage["resource"]["global_name"], day=day)
    assert found[:7] == (
        "acme",
        usage["service"]["id"],
        usage["project"]["name"],
        usage["location"]["region"],
        usage["usage"]["unit"],
        usage["invoice"]["month"],
        day,
    )
    assert found[7:9] == (usage["labels"][0]["value"], usage["credits"][0]["type"])
    assert [Decimal(found[9]), *found[10:]] == [Decimal("0.0395"), "env", Decimal("0.9183")]


async def test_an_export_that_is_not_there_is_named(books: Books) -> None:
    books.metadata["billing_export"] = {"dataset": books.dataset, "tables": ["gcp_billing_export_v1_X"]}
    with pytest.raises(FailedError, match=r"look at acme-billing\.\w+\.gcp_billing_export_v1_X") as raised:
        await books.run(YESTERDAY)
    assert raised.value.failure.reason is Reason.PROVIDER_REFUSED
    assert not raised.value.failure.retryable
