"""The shipped pipelines against the simulated Google, which is built from what Google publishes."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from sandbox.faults import Faults
from sandbox.google.account import Account, new_key_file
from sandbox.google.app import Service, parse
from sandbox.google.estate import COMPUTE_ENGINE, Estate
from sandbox.google.lists import GONE
from sandbox.google.oauth import TokenDesk
from server.clock import SystemClock
from tests.unit.processors.gcp.conftest import Bench
from workers.model.failure import FailedError
from workers.ports import Reached
from workers.rest import Egress, RestReader

ESTATE = Estate(7)
INSTANCES = ESTATE.instances("acme-prod")
KEY_FILE = new_key_file(1024)
Against = Callable[..., Bench]


@pytest.fixture
async def rules() -> Faults:
    return Faults()


@pytest.fixture
async def google(bench: Bench, rules: Faults) -> AsyncIterator[Bench]:
    account = Account(KEY_FILE)
    application = Service(ESTATE, account, TokenDesk(account, time.time), rules).application()
    async with TestServer(application) as server:
        anything: Any = SystemClock()
        reader = RestReader(Egress.parse(f"127.0.0.1:{server.port}"), anything, lambda: 0.01)
        bench.origin = f"http://127.0.0.1:{server.port}"
        bench.secret, bench.reader, bench.clock = KEY_FILE, reader, anything
        yield bench
        reader.close()


def small_pages(bench: Bench, pipeline: str, size: int) -> None:
    """Let a shipped pipeline ask for smaller pages."""
    shutil.copytree("configs/gcp", bench.folder / "gcp")
    file = bench.folder / f"{pipeline}.yml"
    text = file.read_text()
    [line] = [line for line in text.splitlines() if line.strip().startswith("page_size:")]
    file.write_text(text.replace(line, f"      page_size: {size}"))


async def test_every_billing_account_is_read(google: Bench) -> None:
    await google.run("gcp/api/billing_accounts")
    assert [raw for (raw,) in google.columns("raw_data")] == ESTATE.billing_accounts()


@pytest.mark.parametrize("size", [500, 5])
async def test_every_instance_is_read_once_whatever_the_pages(google: Bench, size: int) -> None:
    small_pages(google, "gcp/api/compute_instances", size)
    result = await google.run("gcp/api/compute_instances")
    assert google.columns("scope", "instance_id") == [(f"zones/{zone}", one["id"]) for zone, one in INSTANCES]
    assert result.output["complete"]


async def test_every_price_is_read(google: Bench) -> None:
    small_pages(google, "gcp/api/sku_prices", 25)
    await google.run("gcp/api/sku_prices", currency="EUR")
    skus = ESTATE.skus(COMPUTE_ENGINE, "EUR")
    assert skus is not None
    assert google.columns("sku_id", "currency_code") == [(sku["skuId"], "EUR") for sku in skus]


async def test_a_zone_that_is_down_keeps_its_rows(google: Bench, rules: Faults) -> None:
    rules.rules = parse([{"kind": "unreachable", "endpoint": "instances", "times": None}])
    small_pages(google, "gcp/api/compute_instances", 5)
    await google.run("gcp/api/compute_instances")
    reached = google.publication.reached
    assert isinstance(reached, Reached)
    assert f"zones/{GONE}" not in reached.values
    assert len(reached.values) == 11


async def test_a_token_that_is_revoked_on_the_way_is_replaced(google: Bench, rules: Faults) -> None:
    rules.rules = parse([{"kind": "revoked", "endpoint": "skus", "skip": 1}])
    small_pages(google, "gcp/api/sku_prices", 25)
    result = await google.run("gcp/api/sku_prices")
    assert result.rows == 60


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"kind": "service_disabled"}, "SERVICE_DISABLED"),
        ({"kind": "repeated_cursor", "times": None}, "names a next page that was read before"),
        ({"kind": "html"}, "something other than JSON"),
        ({"kind": "truncated"}, "is not JSON"),
        ({"kind": "status", "status": 400, "endpoint": "token"}, "/token: answered 400: invalid_grant"),
    ],
)
async def test_a_fault_ends_the_step_with_its_class(google: Bench, rules: Faults, rule: Any, why: str) -> None:
    rules.rules = parse([{"endpoint": "billing_accounts"} | rule])
    with pytest.raises(FailedError, match=why):
        await google.run("gcp/api/billing_accounts")
    assert not google.warehouse.published


@pytest.mark.parametrize("endpoint", ["billing_accounts", "token"])
@pytest.mark.parametrize("rule", [{"kind": "status", "status": 503}, {"kind": "reset"}])
async def test_what_passes_is_tried_again(google: Bench, rules: Faults, rule: Any, endpoint: str) -> None:
    rules.rules = parse([rule | {"endpoint": endpoint}])
    result = await google.run("gcp/api/billing_accounts")
    assert result.rows == 3


async def test_a_key_of_another_account_gets_nothing(google: Bench) -> None:
    google.secret = json.dumps(json.loads(KEY_FILE) | {"client_email": "x@y.iam.gserviceaccount.com"})
    with pytest.raises(FailedError, match="PROVIDER_AUTH"):
        await google.run("gcp/api/billing_accounts")
