from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox.google.estate import ZONES, Estate
from sandbox.google.lists import GONE
from tests.unit.sandbox.google.conftest import Caller, Start

ACCOUNTS = "/v1/billingAccounts"
SKUS = "/v1/services/6F81-5844-456A/skus"
INSTANCES = "/compute/v1/projects/acme-prod/aggregated/instances"
EXAMPLE = json.loads(Path("tests/fixtures/google/compute_instances_aggregated_list.json").read_text())


def listed(pages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Scope and id of every instance of every page."""
    return [
        (scope, instance["id"])
        for page in pages
        for scope, held in page["items"].items()
        for instance in held.get("instances", ())
    ]


async def test_a_plain_list_is_the_same_in_pages_of_any_size(caller: Caller) -> None:
    whole, parts = await caller.pages(SKUS), await caller.pages(SKUS, pageSize="7")
    assert (len(whole), len(parts)) == (1, 9)
    assert [sku for page in parts for sku in page["skus"]] == whole[0]["skus"]
    assert parts[-1]["nextPageToken"] == ""


async def test_instances_are_the_same_in_pages_of_any_size(caller: Caller) -> None:
    whole, parts = await caller.pages(INSTANCES), await caller.pages(INSTANCES, maxResults="5")
    assert listed(parts) == listed(whole)
    assert len(listed(whole)) == len(Estate(7).instances("acme-prod"))


async def test_a_zone_recurs_on_a_later_page_and_a_page_may_hold_only_warnings(caller: Caller) -> None:
    parts = await caller.pages(INSTANCES, maxResults="5")
    scopes = [{scope for scope, _ in listed([page])} for page in parts]
    assert scopes[1] == set()
    assert parts[1]["nextPageToken"]
    assert any(one & other for one, other in pairwise(scopes[:1] + scopes[2:]))


async def test_a_page_has_the_shape_of_the_published_example(caller: Caller) -> None:
    [page] = await caller.pages(INSTANCES)
    assert page.keys() == EXAMPLE.keys()
    assert page["items"].keys() == {f"zones/{zone}" for zone in ZONES}
    empty = next(held for held in page["items"].values() if "warning" in held)
    assert empty["warning"].keys() == EXAMPLE["items"]["zones/us-central1-a"]["warning"].keys()


async def test_what_cannot_be_reached_is_named_when_part_of_it_is_wanted(start: Start) -> None:
    caller = await start({"kind": "unreachable", "endpoint": "instances", "times": None})
    [page] = await caller.pages(INSTANCES, returnPartialSuccess="true")
    assert page["unreachables"] == [f"projects/acme-prod/zones/{GONE}"]
    assert page["items"][f"zones/{GONE}"]["warning"]["code"] == "UNREACHABLE"
    assert (await caller.get(INSTANCES, await caller.token())).status == 503


async def test_billing_accounts_name_the_projects_they_pay_for(caller: Caller) -> None:
    [page] = await caller.pages(ACCOUNTS)
    main = page["billingAccounts"][0]
    [projects] = await caller.pages(f"/v1/{main['name']}/projects")
    assert {one["billingAccountName"] for one in projects["projectBillingInfo"]} == {main["name"]}


async def test_a_list_without_rows_is_an_empty_object(caller: Caller) -> None:
    [page] = await caller.pages(ACCOUNTS)
    [projects] = await caller.pages(f"/v1/{page['billingAccounts'][1]['name']}/projects")
    assert projects == {}


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        (SKUS, {"pageToken": "x"}, 400),
        (SKUS, {"pageSize": "many"}, 400),
        ("/v1/services/nobody/skus", {}, 404),
        ("/v1/nothing", {}, 404),
        ("/v1/billingAccounts/nobody/projects", {}, 403),
        (INSTANCES.replace("acme-prod", "globex"), {}, 403),
    ],
)
async def test_a_request_that_asks_wrongly_is_refused(
    caller: Caller, path: str, query: dict[str, str], status: int
) -> None:
    answer = await caller.get(path, await caller.token(), **query)
    assert (answer.status, (await answer.json())["error"]["code"]) == (status, status)


async def test_a_page_token_belongs_to_its_list(caller: Caller) -> None:
    first = (await caller.pages(SKUS, pageSize="40"))[0]["nextPageToken"]
    answer = await caller.get(SKUS, await caller.token(), pageSize="50", pageToken=first)
    assert answer.status == 400


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("service_disabled", 403, "SERVICE_DISABLED"),
        ("billing_disabled", 403, "BILLING_DISABLED"),
        ("rate_limited", 403, "rateLimitExceeded"),
        ("revoked", 401, "ACCESS_TOKEN_EXPIRED"),
    ],
)
async def test_a_fault_says_what_google_says(start: Start, kind: str, status: int, said: str) -> None:
    caller = await start({"kind": kind, "endpoint": "skus"})
    token = await caller.token()
    answer = await caller.get(SKUS, token)
    assert (answer.status, (await answer.json())["error"]["details"][0]["reason"]) == (status, said)
    assert (await caller.get(SKUS, await caller.token())).status == 200


async def test_a_fault_of_the_token_endpoint_speaks_oauth(start: Start) -> None:
    caller = await start({"kind": "status", "status": 503, "endpoint": "token"})
    answer = await caller.ask_token(caller.assertion())
    assert (answer.status, await answer.json()) == (503, {"error": "internal_failure"})


async def test_no_two_instances_share_an_id() -> None:
    ids = [instance["id"] for _, instance in Estate(7).instances("acme-prod")]
    assert len(set(ids)) == len(ids)
