"""Where the simulator's data come from, and the process around it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.anthropic.generated import Generated
from sandbox.anthropic.given import DataFileError, load_data
from sandbox.anthropic.launch import AnthropicSimulator
from tests.fakes.anthropic_caller import KEY, TODAY, Start

DATA: dict[str, Any] = {
    "messages": [{"date": "2026-11-10", "second": 60, "model": "m", "output_tokens": 5, "web_search_requests": 1}],
    "cost_report": [{"date": "2026-11-10", "description": "one", "amount": "12.5"}],
    "claude_code": [{"date": "2026-11-10T00:00:00Z", "actor": {"type": "user_actor", "email_address": "a@b"}}],
}
DAY = (("starting_at", "2026-11-10T00:00:00Z"), ("ending_at", "2026-11-11T00:00:00Z"))


def written(folder: Path, document: Any) -> Path:
    (folder / "data.json").write_text(json.dumps(document))
    return folder / "data.json"


def test_the_same_seed_gives_the_same_days_and_another_does_not() -> None:
    for name in ("messages", "cost_report", "claude_code"):
        first = Generated(1).records(name, TODAY)
        assert first == Generated(1).records(name, TODAY) != Generated(2).records(name, TODAY)


async def test_a_data_file_is_answered_from(start: Start, tmp_path: Path) -> None:
    caller = await start(source=load_data(written(tmp_path, DATA)))
    (page,) = await caller.pages("usage_report/messages", *DAY, ("group_by[]", "model"))
    (row,) = page["data"][0]["results"]
    assert (row["model"], row["output_tokens"], row["server_tool_use"]) == ("m", 5, {"web_search_requests": 1})
    (page,) = await caller.pages("cost_report", *DAY, ("group_by[]", "description"))
    assert page["data"][0]["results"][0]["amount"] == "12.5"
    assert (await caller.page("usage_report/claude_code", ("starting_at", "2026-11-10")))["data"] == DATA["claude_code"]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"completions": []},
        {"messages": [{}]},
        {"messages": [{"date": "2026-11-10", "second": 86_400}]},
        {"messages": [{"date": "2026-11-10", "output_tokens": "many"}]},
        {"cost_report": [{"date": "2026-11-10"}]},
    ],
)
def test_a_data_file_that_is_none_says_where(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(DataFileError, match=r"data\.json"):
        load_data(written(tmp_path, wrong))


async def test_a_process_answers_with_its_faults_first_and_is_gone_when_stopped(tmp_path: Path) -> None:
    data, faults = written(tmp_path, DATA), [{"kind": "status", "status": 529}]
    simulator = AnthropicSimulator(KEY, data=data, today=date(2026, 11, 20), faults=faults)
    await simulator.start()
    try:
        headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
        url = f"{simulator.base_url}/organizations/usage_report/claude_code?starting_at=2026-11-10"
        async with aiohttp.ClientSession(headers=headers) as session:
            assert [(await session.get(url)).status for _ in range(2)] == [529, 200]
    finally:
        await simulator.stop()
        await simulator.stop()
