"""Reads an organisation's OpenAI plan and limits into openai_subscriptions_monthly: one row for the month it runs in.

Both endpoints are undocumented. An answer of 401, 403 or 404 is no failure: its columns are null and the row says why,
and so are fields that are not what they were seen to be.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from attrs import define, evolve, field, frozen

from workers.model.failure import FailedError
from workers.model.money import exact, stored
from workers.model.page import Read
from workers.model.window import DateWindow
from workers.ports import Row, StepContext, StepResult
from workers.processors.openai.buckets import PROVIDER

T = TypeVar("T")

_WITHHELD = {"401", "403", "404"}


@frozen
class SubscriptionsConfig:
    """Where the two answers are, below the provider's base URL."""

    table: str = "openai_subscriptions_monthly"
    organization_path: str = "/organization"
    subscription_path: str = "/dashboard/billing/subscription"


class OpenAiSubscriptions:
    """Engine of `openai.subscriptions`."""

    Config = SubscriptionsConfig

    async def execute(self, config: SubscriptionsConfig, ctx: StepContext) -> StepResult:
        """Restate the current month: what the provider says holds for today, whatever day the run is for."""
        now = ctx.clock.now()
        organization = await _asked(ctx, config.organization_path)
        subscription = await _asked(ctx, config.subscription_path)
        row = {
            "org_slug": ctx.org,
            "provider": PROVIDER,
            "fetched_at": now,
            **_organization_columns(organization),
            **_subscription_columns(subscription),
            "unavailable_reason": "; ".join((*organization.missing, *subscription.missing)) or None,
        }
        if row["unavailable_reason"]:
            await ctx.message(f"not all is known: {row['unavailable_reason']}")
        written = await _publish(ctx, config.table, row, _month(now.date()))
        return evolve(written, bytes=organization.bytes + subscription.bytes)


@define
class _Answer:
    """What an endpoint said, and in words what it did not."""

    path: str
    said: Mapping[str, Any] = field(factory=dict)
    missing: list[str] = field(factory=list)
    bytes: int = 0

    def take(self, name: str, read: Callable[[Any], Any], inside: Mapping[str, Any] | None = None) -> Any:
        """Return one field, None where it is absent or of a kind that nobody has seen there."""
        value = (self.said if inside is None else inside).get(name)
        try:
            return None if value is None else read(value)
        except ValueError:
            self.missing.append(f"{self.path} has a {name} that cannot be read")
            return None


async def _asked(ctx: StepContext, path: str) -> _Answer:
    answer = _Answer(path)
    try:
        async for page in ctx.reading.pages(Read(ctx.endpoint(PROVIDER), path, single_object=True)):
            answer = _Answer(path, page.rows[0], bytes=page.receipt.bytes)
    except FailedError as error:
        status = error.failure.metadata.get("status")
        if status not in _WITHHELD:
            raise
        code = error.failure.metadata.get("provider_code")
        answer.missing.append(f"{path} answered {status}{f' ({code})' if code else ''}")
    return answer


def _organization_columns(answer: _Answer) -> Row:
    return {
        "openai_org_id": answer.take("id", _text),
        "openai_org_name": answer.take("title", _text) or answer.take("name", _text),
        "is_default": answer.take("is_default", _truth),
        "tier": answer.take("tier", _text),
    }


def _subscription_columns(answer: _Answer) -> Row:
    plan = answer.take("plan", _mapping) or {}
    return {
        "plan_id": answer.take("id", _text, plan),
        "plan_name": answer.take("title", _text, plan) or answer.take("name", _text, plan),
        **{name: answer.take(name, _amount) for name in ("hard_limit_usd", "soft_limit_usd", "system_hard_limit_usd")},
    }


async def _publish(ctx: StepContext, name: str, row: Row, month: DateWindow) -> StepResult:
    table = ctx.schemas.table(name)
    await ctx.warehouse.ensure(table)
    async with ctx.warehouse.restate(table, month) as load:
        await load.write([row])
        written = await load.publish()
    output = {
        "month": f"{month.first:%Y-%m}",
        "unavailable_reason": row["unavailable_reason"],
        "superseded_days": written.superseded,
        "bytes_billed": written.bytes_billed,
    }
    return StepResult(written.rows, 0, output)


def _month(day: date) -> DateWindow:
    last = calendar.monthrange(day.year, day.month)[1]
    return DateWindow(day.replace(day=1), day.replace(day=last))


def _text(value: Any) -> str:
    return _only(str, value)


def _truth(value: Any) -> bool:
    return _only(bool, value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return _only(dict, value)


def _amount(value: Any) -> Any:
    return stored(exact(value))


def _only(kind: type[T], value: Any) -> T:
    if not isinstance(value, kind):
        raise ValueError(f"not {kind.__name__}")  # noqa: TRY004 - one kind of error
    return value


def get_engine() -> OpenAiSubscriptions:
    """Return the engine of `openai.subscriptions`."""
    return OpenAiSubscriptions()
