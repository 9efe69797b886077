from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes import hostile_provider as hostile
from tests.unit.processors.gcp.conftest import Bench, page
from workers.catalog import ConfigError
from workers.model.failure import FailedError, Reason
from workers.ports import Reached

ACCOUNTS = "/v1/billingAccounts"
SKUS = "/v1/services/6F81-5844-456A/skus"
THINGS = {
    "table": "gcp_things_raw",
    "columns": [
        {"name": "thing_id", "type": "STRING"},
        {"name": "kind", "type": "STRING"},
        {"name": "size", "type": "INT64"},
        {"name": "raw_data", "type": "JSON"},
    ],
}
CONFIG = """
url: https://things.googleapis.com/v2/projects/{{project}}/things
scopes: [https://www.googleapis.com/auth/things.readonly]
data_path: things
flatten: {thing_id: id, size: spec.size}
add_fields: {kind: thing}
destination: {table: gcp_things_raw, write_mode: overwrite, key_fields: [thing_id]}
"""
PATH = "/v2/projects/acme-prod/things"


def account(number: int, **more: Any) -> dict[str, Any]:
    name = f"billingAccounts/{number:06d}-000000-ABCDEF"
    return {"name": name, "displayName": f"Account {number}", "open": True, "currencyCode": "EUR", **more}


async def test_every_billing_account_becomes_a_row(bench: Bench) -> None:
    bench.provider.script(
        ACCOUNTS,
        page(billingAccounts=[account(1), account(2, open=False)], nextPageToken="b"),
        page(billingAccounts=[account(3, masterBillingAccount="billingAccounts/1")], nextPageToken=""),
    )
    await bench.run("gcp/api/billing_accounts")
    assert bench.columns("billing_account_id", "is_open", "currency_code", "master_billing_account") == [
        ("000001-000000-ABCDEF", True, "EUR", None),
        ("000002-000000-ABCDEF", False, "EUR", None),
        ("000003-000000-ABCDEF", True, "EUR", "billingAccounts/1"),
    ]
    assert bench.asked(ACCOUNTS) == [{"pageSize": "100"}, {"pageSize": "100", "pageToken": "b"}]


async def test_an_empty_answer_is_a_list_without_rows(bench: Bench) -> None:
    bench.provider.script(ACCOUNTS, page())
    result = await bench.run("gcp/api/billing_accounts")
    assert (result.rows, bench.publication.complete, bench.publication.window) == (0, True, None)


@pytest.mark.fault("F44")
@pytest.mark.parametrize(
    "body", ["null", "[]", "0", '"nothing"', '{"billingAccounts": false}', '{"billingAccounts": ""}']
)
async def test_what_is_no_answer_of_google_is_not_taken_for_an_empty_list(bench: Bench, body: str) -> None:
    bench.provider.script(ACCOUNTS, hostile.text(body))
    with pytest.raises(FailedError) as raised:
        await bench.run("gcp/api/billing_accounts")
    assert raised.value.failure.reason is Reason.PROVIDER_BAD_RESPONSE
    assert bench.warehouse.published == []


async def test_prices_are_exact_from_units_and_nanos(bench: Bench) -> None:
    tiers = [
        {"startUsageAmount": 0, "unitPrice": {"currencyCode": "USD", "units": "0"}},
        {"startUsageAmount": 100, "unitPrice": {"currencyCode": "USD", "units": "1", "nanos": 31611000}},
    ]
    expression = {"usageUnit": "h", "usageUnitDescription": "hour", "displayQuantity": 1, "tieredRates": tiers}
    priced = [{"effectiveTime": "2026-04-30T07:00:00.123456Z", "pricingExpression": expression}]
    category = {"serviceDisplayName": "Compute Engine", "resourceFamily": "Compute", "usageType": "OnDemand"}
    sku = {"skuId": "0012-AAAA", "category": category, "serviceRegions": ["europe-west1"], "pricingInfo": priced}
    bench.provider.script(SKUS, page(skus=[sku, {"skuId": "0012-BBBB"}]))
    await bench.run("gcp/api/sku_prices")
    assert bench.columns("sku_id", "tiers", "first_tier_price", "last_tier_start", "last_tier_price") == [
        ("0012-AAAA", 2, Decimal(0), Decimal(100), Decimal("1.031611")),
        ("0012-BBBB", 0, None, None, None),
    ]
    assert bench.columns("effective_time", "service_regions", "usage_type")[0] == (
        datetime(2026, 4, 30, 7, 0, 0, 123456, tzinfo=UTC),
        ["europe-west1"],
        "OnDemand",
    )
    assert bench.publication.scope == {"service_id": "6F81-5844-456A"}


async def test_a_service_is_asked_for_in_its_currency(bench: Bench) -> None:
    bench.provider.script("/v1/services/AAAA-BBBB/skus", page())
    await bench.run("gcp/api/sku_prices", service_id="AAAA-BBBB", currency="EUR")
    assert bench.asked("/v1/services/AAAA-BBBB/skus") == [{"pageSize": "5000", "currencyCode": "EUR"}]


async def test_a_url_names_any_api_of_google(bench: Bench) -> None:
    bench.declare(CONFIG, THINGS)
    bench.provider.script(PATH, page(things=[{"id": "a", "spec": {"size": "7"}}, {"id": "b"}]))
    await bench.run()
    assert bench.columns("thing_id", "kind", "size", "raw_data") == [
        ("a", "thing", 7, {"id": "a", "spec": {"size": "7"}}),
        ("b", "thing", None, {"id": "b"}),
    ]


async def test_of_a_flat_list_that_is_not_whole_the_rows_it_has_are_replaced(bench: Bench) -> None:
    bench.declare(CONFIG, THINGS)
    bench.provider.script(PATH, page(things=[{"id": "b"}, {"id": "a"}], unreachable=["locations/x"]))
    result = await bench.run()
    assert (bench.publication.complete, bench.publication.reached) == (False, Reached("thing_id", ("a", "b")))
    assert result.output["unreachable"] == ["locations/x"]


async def test_without_a_key_a_list_that_is_not_whole_is_not_taken(bench: Bench) -> None:
    bench.declare(CONFIG.replace(", key_fields: [thing_id]", ""), THINGS)
    bench.provider.script(PATH, page(things=[{"id": "b"}], unreachable=["locations/x"]))
    with pytest.raises(FailedError, match=r"the list is not whole \(locations/x\)") as caught:
        await bench.run()
    assert (caught.value.failure.reason, caught.value.failure.retryable) == (Reason.PROVIDER_UNAVAILABLE, True)
    assert not bench.warehouse.published


async def test_a_post_pages_in_its_body(bench: Bench) -> None:
    bench.declare(CONFIG + "method: POST\nbody: {filter: all}\n", THINGS)
    bench.provider.script(PATH, page(nextPageToken="x"), page())
    await bench.run()
    bodies = [json.loads(heard.body) for heard in bench.provider.heard if heard.path == PATH]
    assert bodies == [{"filter": "all"}, {"filter": "all", "pageToken": "x"}]


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("https://things.googleapis.com", "https://evil.example.com", "where the credential may be sent"),
        ("https://things.googleapis.com", "https://googleapis.com", "where the credential may be sent"),
        ("https://things.googleapis.com", "https://evilgoogleapis.com", "where the credential may be sent"),
        ("scopes: [https://www.googleapis.com/auth/things.readonly]", "", "no scopes are declared for this API"),
        ("kind: thing", "other: thing", "table gcp_things_raw has no column other"),
        ("data_path: things", "data_path: things\nsnapshot: daily", "is not partitioned by a DATE"),
        ("data_path: things", "data_path: things\nreplace_by: [size]", "replace_by names size"),
        ("projects/{{project}}", "{{+parent}}", "no value that a path can hold"),
        ("things\nscopes", "things?x=1\nscopes", "without a query"),
    ],
)
async def test_what_a_run_cannot_follow_is_refused_before_anything_is_asked(
    bench: Bench, before: str, after: str, why: str
) -> None:
    more = 'path_params: {parent: "projects/.."}\n' if "parent" in after else ""
    bench.declare(CONFIG.replace(before, after) + more, THINGS)
    with pytest.raises(FailedError, match=why) as caught:
        await bench.run()
    assert caught.value.failure.reason is Reason.CONFIG_INVALID
    assert not bench.provider.heard


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("data_path: things", "data_path: 'things['", "is not a JMESPath expression"),
        ("size: spec.size", "size: 'nope(spec)'", "calls a function there is not: nope"),
        ("projects/{{project}}", "projects/{{other}}", "'path_params' has no 'other'"),
        ("projects/{{project}}", "projects/{{", "has a brace that belongs to no"),
        ("data_path: things", "data_path: things\napi: compute", "either 'url', or 'api' and 'endpoint'"),
        ("write_mode: overwrite", "write_mode: append", "write_mode must be overwrite"),
        ("data_path: things", "data_path: things\nbody: {}", "'body' goes with method POST"),
        ("add_fields: {kind", "add_fields: {'a b'", "names a column that is none"),
        ("https://things", "http://things", "a URL must be https"),
    ],
)
async def test_a_fault_of_a_step_is_told_at_the_start(bench: Bench, before: str, after: str, why: str) -> None:
    bench.declare(CONFIG.replace(before, after), THINGS)
    with pytest.raises(ConfigError, match=why.replace("(", r"\(")):
        bench.catalog()


async def test_a_scope_whose_rows_cannot_be_found_is_an_answer_that_cannot_be_believed(bench: Bench) -> None:
    by_zone = CONFIG.replace(
        "data_path: things", "data_path: items\nmap: {rows: 'sort_by(list, &at)', scope_column: kind}"
    )
    bench.declare(by_zone.replace("add_fields: {kind: thing}\n", ""), THINGS)
    bench.provider.script(PATH, page(items={"zones/a": {"list": [{"id": "1", "at": {}}]}}))
    with pytest.raises(FailedError, match="a scope of the map has rows is given something it cannot work on") as raised:
        await bench.run()
    assert raised.value.failure.reason is Reason.PROVIDER_BAD_RESPONSE


async def test_what_was_left_to_a_newer_run_is_told(bench: Bench) -> None:
    bench.provider.script(ACCOUNTS, page(billingAccounts=[account(1)]))
    bench.warehouse.superseded = 1
    await bench.run("gcp/api/billing_accounts")
    assert bench.messages[0].endswith("what a newer run has written was left to it")
