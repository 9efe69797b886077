"""Recorded pages, broken in every way: a step refuses one in a class of its own, or publishes all that it says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from attrs import frozen
from hypothesis import example, given, settings

from tests.fakes.clock import ManualClock
from tests.fakes.mutations import BROKEN, Broken
from tests.fakes.rows_of import refused_as_bigquery_would
from tests.fakes.step_bench import Bench
from workers.catalog import Catalog
from workers.model.failure import FailedError, Failure, Reason
from workers.model.page import Read, Receipt
from workers.model.secret import Secret
from workers.ports import Engine, Wiring
from workers.processors.anthropic.claude_code import AnthropicClaudeCode, ClaudeCodeConfig
from workers.processors.anthropic.reported_cost import AnthropicReportedCost
from workers.processors.anthropic.reported_cost import ReportedCostConfig as AnthropicCostConfig
from workers.processors.anthropic.usage import AnthropicUsage
from workers.processors.anthropic.usage import UsageConfig as AnthropicUsageConfig
from workers.processors.openai.reported_cost import OpenAiReportedCost, ReportedCostConfig
from workers.processors.openai.usage import OpenAiUsage, UsageConfig
from workers.rest import Egress
from workers.rest.answers import read_answer
from workers.rest.authorised import Authorised
from workers.rest.paging import Answer
from workers.rest.reading import RestReading
from workers.rest.request import Request

FIXTURES = Path("tests/fixtures")
REFUSED = {Reason.PROVIDER_BAD_RESPONSE, Reason.DATA_INVALID}
LATER = datetime(2026, 5, 1, tzinfo=UTC)
LAST = b'{"data": [], "has_more": false}'
Walk = Callable[[Any], Iterator[Any]]


@frozen
class Recorded:
    """Answers the endpoint's first request with `body`, every other one with a last page that is empty."""

    endpoint: str
    body: bytes

    async def credential(self, _read: Read) -> None:
        return None

    async def poll(self, _read: Read, _request: Request) -> None:
        return None

    async def answer(self, read: Read, request: Request, _credential: Secret | None) -> Answer:
        first = read.path.endswith(self.endpoint) and not request.cursor
        body = bytearray(self.body if first else LAST)
        answer = read_answer(read, {}, "", body, LATER)
        if isinstance(answer, Answer):
            return answer
        raise answer.error(f"{request.method} {request.shown}", read.endpoint.provider, 1)


@frozen
class Subject:
    """A step, a page that was recorded for it, and what must come to the same in the page and in the table."""

    engine: Engine
    config: Any
    page: str
    endpoint: str
    day: date
    table: str
    column: str
    says: Walk

    async def do(self, catalog: Catalog, body: bytes, threads: ThreadPoolExecutor) -> Bench:
        """Do the step with this page; nothing else is ever answered."""
        bench = Bench(catalog, lambda _read: (), clock=ManualClock(LATER))
        bench.warehouse.check = refused_as_bigquery_would
        calls = cast("Authorised", Recorded(self.endpoint, body))
        reading = RestReading(calls, Wiring(_none, _none, _nothing, "acme"), Egress(), threads)
        refused: Failure | None = None
        try:
            await self.engine.execute(self.config, bench.context(self.day, self.day, reading=reading))
        except FailedError as error:
            refused = error.failure
        assert refused is None or (refused.reason in REFUSED and bench.warehouse.published == []), refused
        return bench


async def _none(*_: Any) -> Any:
    raise AssertionError("nothing is looked up here")


async def _nothing(_receipt: Receipt) -> None:
    return None


def results(page: Any) -> Iterator[Mapping[str, Any]]:
    for bucket in page["data"]:
        yield from bucket["results"]


def counts(*path: str) -> Walk:
    """Walk to a count of each result."""
    return lambda page: (_at(result, path) for result in results(page))


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = (value or {}).get(name)
    return value


def cents(page: Any) -> Iterator[Any]:
    return (Decimal(str(result["amount"])) / 100 for result in results(page))


def models(page: Any) -> Iterator[Any]:
    return (_at(model, ("tokens", "input")) for record in page["data"] for model in record["model_breakdown"])


NOVEMBER, AUGUST = date(2024, 11, 1), date(2025, 8, 1)
USAGE, COSTS = "openai_usage_daily_raw", "openai_provider_cost_daily"
OPENAI, ANTHROPIC = "openai/examples", "anthropic/examples"
SUBJECTS = {
    "openai completions": Subject(
        OpenAiUsage(),
        UsageConfig(),
        f"{OPENAI}/usage_completions_response",
        "usage/completions",
        NOVEMBER,
        USAGE,
        "input_tokens",
        counts("input_tokens"),
    ),
    "openai images": Subject(
        OpenAiUsage(),
        UsageConfig(),
        f"{OPENAI}/usage_images_response",
        "usage/images",
        NOVEMBER,
        USAGE,
        "quantity",
        counts("images"),
    ),
    "openai costs": Subject(
        OpenAiReportedCost(),
        ReportedCostConfig(),
        f"{OPENAI}/costs_response",
        "costs",
        NOVEMBER,
        COSTS,
        "amount",
        counts("amount", "value"),
    ),
    "anthropic usage": Subject(
        AnthropicUsage(),
        AnthropicUsageConfig(),
        f"{ANTHROPIC}/usage_report_messages_response",
        "usage_report/messages",
        AUGUST,
        "anthropic_usage_daily_raw",
        "output_tokens",
        counts("output_tokens"),
    ),
    "anthropic costs": Subject(
        AnthropicReportedCost(),
        AnthropicCostConfig(),
        f"{ANTHROPIC}/cost_report_response",
        "cost_report",
        AUGUST,
        "anthropic_provider_cost_daily",
        "amount",
        cents,
    ),
    "anthropic claude code": Subject(
        AnthropicClaudeCode(),
        ClaudeCodeConfig(),
        f"{ANTHROPIC}/usage_report_claude_code_response",
        "usage_report/claude_code",
        date(2025, 8, 8),
        "anthropic_claude_code_usage_daily",
        "input_tokens",
        models,
    ),
}


def check(subject: Subject, catalog: Catalog, broken: Broken) -> None:
    """Whatever was published is whole: the table has what the page says, to the last digit that it can hold."""
    body = broken.text(json.loads((FIXTURES / f"{subject.page}.json").read_text()))
    with ThreadPoolExecutor(1) as threads:
        bench = asyncio.run(subject.do(catalog, body, threads))
    if not bench.warehouse.published:
        return
    (done,) = bench.warehouse.published
    said = [Decimal(str(value)) for value in subject.says(json.loads(body, parse_float=Decimal)) if value is not None]
    kept = [row[subject.column] for row in done.rows if row[subject.column] is not None]
    assert done.table == subject.table
    assert abs(sum(kept, Decimal()) - sum(said, Decimal())) <= len(kept) * Decimal("1e-9")


@pytest.mark.fault("F44")
@pytest.mark.item("H114", "H115", "H118")
@pytest.mark.parametrize("name", SUBJECTS)
@given(broken=BROKEN)
@example(broken=Broken([]))
@settings(max_examples=20)
def test_a_broken_page_is_refused_or_published_as_it_is_and_never_in_part(
    name: str, real_catalog: Catalog, broken: Broken
) -> None:
    check(SUBJECTS[name], real_catalog, broken)


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_page_that_nobody_broke_is_published(name: str, real_catalog: Catalog) -> None:
    subject = SUBJECTS[name]
    body = Broken([]).text(json.loads((FIXTURES / f"{subject.page}.json").read_text()))
    with ThreadPoolExecutor(1) as threads:
        bench = asyncio.run(subject.do(real_catalog, body, threads))
    assert [done.table for done in bench.warehouse.published] == [subject.table]
    assert bench.warehouse.published[0].rows
