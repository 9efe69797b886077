from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from attrs import frozen

from tests.fakes.step_bench import Bench
from workers.model.failure import FailedError, Reason, provider_failed
from workers.model.page import Page, Read, Receipt
from workers.model.window import DateWindow
from workers.ports import StepResult
from workers.processors.openai.subscriptions import get_engine

ORGANIZATION = {"object": "organization", "id": "org-1", "name": "acme", "title": "Acme", "is_default": True}
SUBSCRIPTION = {
    "plan": {"id": "payg", "title": "Pay-as-you-go"},
    "hard_limit_usd": Decimal("100.00002"),
    "soft_limit_usd": 75,
    "system_hard_limit_usd": "499.99998",
}


@frozen
class Account:
    """Answers by the last part of the path: an object, or a status."""

    answers: Mapping[str, Mapping[str, Any] | int]

    async def pages(self, read: Read) -> AsyncIterator[Page]:
        assert read.single_object
        answer = self.answers[read.path.rpartition("/")[2]]
        if isinstance(answer, int):
            reason = Reason.PROVIDER_AUTH if answer in {401, 403} else Reason.PROVIDER_REFUSED
            raise provider_failed(reason, "refused", retryable=False, status=str(answer))
        yield Page((answer,), Receipt(read.path, 1, 1, 100, "5ha"))


async def run(bench: Bench, organization: Any = ORGANIZATION, subscription: Any = SUBSCRIPTION) -> StepResult:
    engine = get_engine()
    account = Account({"organization": organization, "subscription": subscription})
    return await engine.execute(engine.Config(), bench.context(reading=account))


async def test_a_month_has_one_row_with_plan_and_limits(bench: Bench) -> None:
    result = await run(bench)
    (published,) = bench.warehouse.published
    assert published.window == DateWindow(date(2025, 6, 1), date(2025, 6, 30))
    assert published.rows == [
        {
            "org_slug": "acme",
            "provider": "OPENAI",
            "fetched_at": bench.clock.now(),
            "openai_org_id": "org-1",
            "openai_org_name": "Acme",
            "is_default": True,
            "tier": None,
            "plan_id": "payg",
            "plan_name": "Pay-as-you-go",
            "hard_limit_usd": Decimal("100.00002"),
            "soft_limit_usd": Decimal(75),
            "system_hard_limit_usd": Decimal("499.99998"),
            "unavailable_reason": None,
        }
    ]
    assert (result.rows, result.bytes, result.output["month"]) == (1, 200, "2025-06")


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_what_the_provider_withholds_is_null_with_the_reason(bench: Bench, status: int) -> None:
    result = await run(bench, organization=status)
    (row,) = bench.warehouse.published[0].rows
    assert (row["openai_org_id"], row["is_default"], row["plan_id"]) == (None, None, "payg")
    assert row["unavailable_reason"] == f"/organization answered {status}" == result.output["unavailable_reason"]
    assert bench.messages == [f"not all is known: /organization answered {status}"]


async def test_nothing_at_all_is_a_row_too(bench: Bench) -> None:
    await run(bench, 404, 401)
    (row,) = bench.warehouse.published[0].rows
    assert row["unavailable_reason"] == "/organization answered 404; /dashboard/billing/subscription answered 401"


async def test_fields_of_another_kind_are_null_and_named(bench: Bench) -> None:
    await run(bench, {"id": 7, "is_default": "yes"}, {"plan": "payg", "soft_limit_usd": True})
    (row,) = bench.warehouse.published[0].rows
    assert {row["openai_org_id"], row["is_default"], row["plan_id"], row["soft_limit_usd"]} == {None}
    for name in ("id", "is_default", "plan", "soft_limit_usd"):
        assert f"has a {name} that cannot be read" in row["unavailable_reason"]


@pytest.mark.parametrize("status", [429, 500])
async def test_a_provider_that_is_away_fails_the_step(bench: Bench, status: int) -> None:
    with pytest.raises(FailedError):
        await run(bench, subscription=status)
    assert bench.warehouse.published == []
