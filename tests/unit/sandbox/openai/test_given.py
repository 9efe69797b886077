"""Answers from a data file: what stands in it, grouped and summed as live data would be."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.openai.given import DataFileError, load_data
from tests.fakes.openai_caller import Start, midnight

WINDOW = {"start_time": midnight("2026-11-01"), "end_time": midnight("2026-11-04")}
CALL = {"date": "2026-11-02", "model": "gpt-4o-mini", "input_tokens": 10, "output_tokens": 5, "num_model_requests": 1}


def write(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


async def test_the_file_is_what_is_answered(start: Start, tmp_path: Path) -> None:
    data = write(tmp_path / "data.json", {"completions": [CALL, {**CALL, "second": 86_399, "odd": {"x": [1]}}]})
    caller = await start(source=load_data(data))
    page = await caller.page("usage/completions", **WINDOW, group_by="model")
    (row,) = page["data"][1]["results"]
    assert (row["model"], row["input_tokens"], row["output_tokens"], row["odd"]) == ("gpt-4o-mini", 20, 10, {"x": [1]})
    assert [len(bucket["results"]) for bucket in page["data"]] == [0, 1, 0]


async def test_an_endpoint_that_the_file_leaves_out_is_empty(start: Start, tmp_path: Path) -> None:
    caller = await start(source=load_data(write(tmp_path / "data.json", {"completions": [CALL]})))
    assert await caller.rows("costs", **WINDOW) == []


def test_amounts_are_read_exactly(tmp_path: Path) -> None:
    costs = [{"date": "2026-11-02", "line_item": "a", "amount": text} for text in (0.1, "0.2000")]
    records = load_data(write(tmp_path / "data.json", {"costs": costs})).records("costs", date(2026, 11, 2))
    assert [record.counts["amount"] for record in records] == [Decimal("0.1"), Decimal("0.2")]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "not records by endpoint"),
        ({"dreams": []}, "dreams"),
        ({"completions": [{"model": "x"}]}, r"completions\[0\].*date"),
        ({"completions": [CALL, {**CALL, "input_tokens": "many"}]}, r"completions\[1\].*many"),
        ({"completions": [{**CALL, "second": 86_400}]}, "not within a day"),
        ({"completions": [{**CALL, "model": 7}]}, "a dimension is text"),
    ],
)
def test_a_wrong_file_is_refused_naming_the_place(tmp_path: Path, document: Any, message: str) -> None:
    with pytest.raises(DataFileError, match=message):
        load_data(write(tmp_path / "data.json", document))
