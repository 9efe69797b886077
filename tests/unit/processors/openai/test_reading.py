"""What the usage and reported-cost steps make of pages, as they should be and as they should not."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.rows_of import misfits
from tests.fakes.step_bench import FIRST, LAST, Bench, days
from tests.unit.processors.openai.conftest import bucket, second
from workers.model.failure import FailedError, Reason
from workers.model.openai_usage import ENDPOINTS
from workers.model.window import DateWindow
from workers.processors.openai.reported_cost import OpenAiReportedCost, ReportedCostConfig
from workers.processors.openai.usage import OpenAiUsage, UsageConfig

RESULT = {"input_tokens": 10, "output_tokens": 2, "num_model_requests": 1, "model": "m", "project_id": "p"}
DAY = FIRST


async def use(bench: Bench, first: date = FIRST, last: date = LAST, **changes: Any):  # type: ignore[no-untyped-def]  # noqa: ANN201
    return await OpenAiUsage().execute(UsageConfig(), bench.context(first, last, **changes))


async def report(bench: Bench, *results: Any):  # type: ignore[no-untyped-def]  # noqa: ANN201
    bench.pages["costs"] = [[bucket(DAY, *results)]]
    return await OpenAiReportedCost().execute(ReportedCostConfig(), bench.context(DAY, DAY))


async def refusal(bench: Bench, pages: list[list[Any]]) -> str:
    bench.pages["completions"] = pages
    with pytest.raises(FailedError) as caught:
        await use(bench)
    assert caught.value.failure.reason is Reason.PROVIDER_BAD_RESPONSE
    assert bench.warehouse.published == []
    return caught.value.failure.message


async def test_every_endpoint_is_asked_for_whole_days_between_midnights(bench: Bench) -> None:
    await use(bench)
    assert set(bench.reads) == {endpoint.name for endpoint in ENDPOINTS}
    for name, (read,) in bench.reads.items():
        asked = dict(read.params)
        assert (asked["start_time"], asked["end_time"]) == (str(second(FIRST)), str(second(date(2025, 6, 4))))
        assert (asked["bucket_width"], asked["limit"]) == ("1d", "7" if name == "completions" else "31")
        assert read.path.startswith("/organization/usage/")


async def test_rows_fit_the_table_and_are_published_at_once(bench: Bench) -> None:
    bench.pages["completions"] = [[bucket(day, RESULT) for day in days()]]
    result = await use(bench)
    (done,) = bench.warehouse.published
    table = bench.catalog.schemas.table("openai_usage_daily_raw")
    assert [problem for row in done.rows for problem in misfits(table, row)] == []
    assert (done.window, done.complete, done.allow_shrink) == (DateWindow(FIRST, LAST), True, False)
    assert [row["usage_date"] for row in done.rows] == days()
    assert (result.rows, result.output["days"], result.output["missing_days"]) == (3, 3, 0)
    assert (result.output["first_day"], result.output["last_day"]) == ("2025-06-01", "2025-06-03")


@pytest.mark.fault("F45")
async def test_two_results_of_one_key_are_one_row(bench: Bench) -> None:
    bench.pages["completions"] = [[bucket(day, RESULT, RESULT) for day in days()]]
    await use(bench)
    assert [row["input_tokens"] for row in bench.warehouse.published[0].rows] == [20, 20, 20]


async def test_progress_counts_rows_pages_and_bytes_as_they_come(bench: Bench) -> None:
    bench.pages["completions"] = [[bucket(day, RESULT)] for day in days()]
    await use(bench)
    assert [(seen.rows, seen.pages, seen.bytes) for seen in bench.progress[:3]] == [
        (1, 1, 100),
        (2, 2, 200),
        (3, 3, 300),
    ]


@pytest.mark.item("H118")
async def test_counts_that_do_not_add_up_are_kept_counted_and_told(bench: Bench) -> None:
    odd = RESULT | {"input_uncached_tokens": 3}
    bench.pages["completions"] = [[bucket(day, odd) for day in days()]]
    result = await use(bench)
    assert (result.rows, result.output["identity_mismatches"]) == (3, 3)
    assert bench.messages == ["3 results whose token counts do not add up were kept as they came"]


@pytest.mark.fault("F45")
async def test_a_day_without_a_bucket_is_not_taken_for_a_day_without_usage(bench: Bench) -> None:
    bench.pages["completions"] = [[bucket(FIRST, RESULT), bucket(LAST, RESULT)]]
    result = await use(bench)
    assert (bench.warehouse.published[0].complete, result.output["missing_days"]) == (False, 1)
    assert bench.messages == ["days without a bucket in some endpoint: 2025-06-02"]


@pytest.mark.fault("F44")
@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"start_time": second(DAY)}, "no list of results"),
        ({"start_time": second(DAY), "results": None}, "no list of results"),
        ({"start_time": second(DAY), "results": [5]}, "no list of results"),
        ({"start_time": second(DAY), "result": []}, "no list of results"),
        ({"results": []}, "has no start_time"),
        ({"start_time": "1748736000", "results": []}, "has no start_time"),
        ({"start_time": True, "results": []}, "has no start_time"),
        ({"start_time": second(DAY) + 1, "results": []}, "where no day starts"),
        ({"start_time": second(LAST) + 86_400, "results": []}, "where no day starts"),
        ({"start_time": second(DAY) - 86_400, "results": []}, "where no day starts"),
        ({"start_time": 10**30, "results": []}, "where no day starts"),
        (bucket(DAY, {"input_tokens": "many"}), "input_tokens is not a whole number"),
        (bucket(DAY, {"model": 5}), "model is int"),
    ],
)
async def test_an_answer_that_is_not_as_specified_changes_nothing(bench: Bench, broken: Any, said: str) -> None:
    message = await refusal(bench, [[broken]])
    assert message.startswith("https://api.openai.com/v1/organization/usage/completions: ")
    assert said in message


@pytest.mark.fault("F45")
async def test_a_day_that_comes_twice_is_never_counted_twice(bench: Bench) -> None:
    assert "came before" in await refusal(bench, [[bucket(DAY, RESULT)], [bucket(DAY, RESULT)]])


@pytest.mark.parametrize(
    ("left", "said"), [(1, "1 day was left to a newer run"), (2, "2 days were left to a newer run")]
)
async def test_days_that_a_newer_run_has_written_are_told(bench: Bench, left: int, said: str) -> None:
    bench.warehouse.superseded = left
    usage = await use(bench)
    reported = await report(bench)
    assert bench.messages == [said, said]
    assert (usage.output["superseded_days"], reported.output["superseded_days"]) == (left, left)


async def test_a_failure_of_the_last_endpoint_leaves_all_as_it_was(bench: Bench) -> None:
    bench.pages["completions"] = [[bucket(day, RESULT) for day in days()]]
    bench.pages["web_search_calls"] = [[{"results": []}]]
    with pytest.raises(FailedError):
        await use(bench)
    assert bench.warehouse.published == []


async def test_reported_amounts_are_exact_whether_text_or_number(bench: Bench) -> None:
    amounts = [{"value": "12.500000001", "currency": "usd"}, {"value": Decimal("0.1"), "currency": "USD"}, {"value": 3}]
    result = await report(bench, *({"line_item": str(n), "amount": amount} for n, amount in enumerate(amounts)))
    rows = bench.warehouse.published[0].rows
    assert [row["amount"] for row in rows] == [Decimal("12.500000001"), Decimal("0.1"), Decimal(3)]
    assert {row["currency"] for row in rows} == {"USD"}
    assert result.output["reported_total"] == "15.600000001"
    table = bench.catalog.schemas.table("openai_provider_cost_daily")
    assert [problem for row in rows for problem in misfits(table, row)] == []


async def test_pieces_of_one_line_add_up_and_currencies_do_not(bench: Bench) -> None:
    pieces = [("usd", "1.5"), ("usd", "1e-9"), ("eur", "2")]
    await report(bench, *({"amount": {"value": value, "currency": currency}} for currency, value in pieces))
    rows = bench.warehouse.published[0].rows
    assert [(row["currency"], row["amount"]) for row in rows] == [("USD", Decimal("1.500000001")), ("EUR", Decimal(2))]


async def test_a_result_without_an_amount_is_no_cost(bench: Bench) -> None:
    assert (await report(bench, {"line_item": "x"}, {"amount": None}, {"amount": {"currency": "usd"}})).rows == 0


@pytest.mark.parametrize(
    "odd",
    [
        *({"value": "NaN"}, {"value": None}, {"value": True}, {"value": "12,5"}, {"value": 1, "currency": 5}),
        *(True, 3, "1.50", [1]),
    ],
)
async def test_an_odd_amount_changes_nothing(bench: Bench, odd: Any) -> None:
    with pytest.raises(FailedError) as caught:
        await report(bench, {"amount": odd})
    assert caught.value.failure.reason is Reason.PROVIDER_BAD_RESPONSE
    assert bench.warehouse.published == []


async def test_long_ranges_are_asked_for_in_pages_of_the_configured_size(bench: Bench) -> None:
    config = ReportedCostConfig(buckets_per_page=180)
    await OpenAiReportedCost().execute(config, bench.context(FIRST - timedelta(days=300), LAST))
    assert dict(bench.reads["costs"][0].params)["limit"] == "180"


async def test_a_declared_page_size_holds_for_every_endpoint(bench: Bench) -> None:
    await OpenAiUsage().execute(UsageConfig(buckets_per_page=2), bench.context())
    assert {dict(read.params)["limit"] for (read,) in bench.reads.values()} == {"2"}


@pytest.mark.parametrize("wrong", [{"buckets_per_page": 32}, {"buckets_per_page": 0}, {"restate_days": -1}])
def test_a_configuration_the_provider_would_refuse_is_refused_first(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        UsageConfig(**wrong)  # type: ignore[arg-type]
