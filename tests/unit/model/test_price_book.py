from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.rows_of import declared, misfits
from workers.model.price_book import PriceFileError, prices, version_of

HEAD = "provider,model_id,meter,variant,price_usd,per,effective_date,end_date,model_match,match_rank"
GOOD = "openai,gpt-x,input,standard,2.50,1000000,2025-01-01,,,"
LIST = "openai/cost/prices/list_prices.csv"


def read(*lines: str, head: str = HEAD, provider: str = "OPENAI", custom: bool = True):  # type: ignore[no-untyped-def]  # noqa: ANN201
    return prices("p.csv", "\n".join((head, *lines)), provider, custom=custom)


def fault(*lines: str, head: str = HEAD) -> str:
    with pytest.raises(PriceFileError) as caught:
        read(*lines, head=head)
    return str(caught.value)


def test_a_price_is_exact_and_dated() -> None:
    (row,) = read(GOOD)
    assert (row["price_usd"], row["per"]) == (Decimal("2.5"), Decimal(1_000_000))
    assert (row["effective_date"], row["end_date"]) == (date(2025, 1, 1), None)
    assert (row["provider"], row["is_custom"], row["source"]) == ("OPENAI", True, "org")


def test_without_a_pattern_only_the_model_itself_is_meant() -> None:
    (row,) = read("openai,gpt-4.1,input,standard,1,1,2025-01-01,,,")
    assert row["model_match"] == r"^gpt\-4\.1$"


def test_only_the_wanted_providers_prices_are_given() -> None:
    rows = read(GOOD, "Anthropic,claude,input,standard,3,1000000,2025-01-01,,,")
    assert [row["model_id"] for row in rows] == ["gpt-x"]


def test_the_bundled_list_fits_its_table() -> None:
    table = declared("system/schemas/llm_price_book.json")
    rows = prices(LIST, (Path("configs") / LIST).read_text(), "openai", custom=False)
    assert {misfit for row in rows for misfit in misfits(table, row)} == {"known_from is REQUIRED"}
    assert len(rows) > 500
    assert len({row["price_id"] for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("openai,gpt-x,input,standard,,1,2025-01-01,,,", "price_usd is empty"),
        ("openai,gpt-x,input,standard,abc,1,2025-01-01,,,", "price_usd: an amount is"),
        ("openai,gpt-x,input,standard,-1,1,2025-01-01,,,", "must not be negative"),
        ("openai,gpt-x,input,standard,0.0000000001,1,2025-01-01,,,", "price_usd has more than nine places"),
        ("openai,gpt-x,input,standard,1,0,2025-01-01,,,", "per must be positive"),
        ("openai,gpt-x,input,standard,1,NaN,2025-01-01,,,", "per: an amount is"),
        ("openai,gpt-x,input,standard,1,1,01.01.2025,,,", "effective_date is not a day"),
        ("openai,gpt-x,input,standard,1,1,2025-02-30,,,", "effective_date is not a day"),
        ("openai,gpt-x,input,standard,1,1,2025-01-02,2025-01-01,,", "end_date is before effective_date"),
        ("openai,gpt-x,input,standard,1,1,2025-01-01,,(,", "model_match is no pattern"),
        ("openai,gpt-x,input,standard,1,1,2025-01-01,,gpt(?!-4),", "which RE2 cannot"),
        (r"openai,gpt-x,input,standard,1,1,2025-01-01,,(a)\1,", "which RE2 cannot"),
        ("openai,gpt-x,input,standard,1,1,2025-01-01,,,first", "match_rank is not a whole number"),
        ("openai,gpt-x,input,standard,1,1,2025-01-01,,,,more", "more values than columns"),
        ("openai,gpt-x", "meter is empty"),
    ],
)
def test_a_faulty_line_is_named_by_file_and_line(line: str, said: str) -> None:
    message = fault(GOOD, line)
    assert message.startswith("p.csv:3: ")
    assert said in message


def test_all_faults_are_told_at_once() -> None:
    message = fault("openai,gpt-x,input,standard,x,1,2025-01-01,,,", GOOD, "openai,,input,standard,1,1,2025-01-01,,,")
    assert message.split("; ")[0].startswith("p.csv:2: price_usd")
    assert message.split("; ")[1].startswith("p.csv:4: model_id is empty")


def test_a_fault_in_another_providers_line_counts_too() -> None:
    assert "p.csv:2: price_usd" in fault("anthropic,claude,input,standard,x,1,2025-01-01,,,")


def test_a_line_inside_quotes_counts_as_lines_do() -> None:
    quoted = 'openai,"gpt\nx",input,standard,1,1,2025-01-01,,,'
    assert fault(quoted, "openai,gpt-x,input,standard,x,1,2025-01-01,,,").startswith("p.csv:4: ")


def test_missing_and_unknown_columns_are_told_together() -> None:
    message = fault(head="provider,model_id,meter,variant,price,per,effective_date")
    assert message == "p.csv:1: missing columns: price_usd; p.csv:1: unknown columns: price"


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    assert len(read(GOOD, head="\ufeff" + HEAD)) == 1


def test_a_stray_quote_is_named_by_its_line() -> None:
    assert fault('openai,"gpt-x"y,input,standard,1,1,2025-01-01,,,').startswith("p.csv:2: ")


def test_an_empty_file_says_what_it_needs() -> None:
    with pytest.raises(PriceFileError, match=r"p.csv:1: missing columns: provider, model_id"):
        prices("p.csv", "", "openai", custom=True)


def test_the_version_tells_every_change_and_which_file_it_is_in() -> None:
    texts = [("a", "b"), ("a", ""), ("", "a"), ("ab", ""), ("a", "c")]
    assert len({version_of(iter(pair)) for pair in texts}) == len(texts)
