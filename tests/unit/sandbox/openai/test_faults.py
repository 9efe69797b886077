"""Every fault does what its rule says, as often as it says, and then the right answer comes back."""

from __future__ import annotations

import asyncio
import email.utils
import json
from typing import Any

import aiohttp
import pytest

from sandbox.faults import KINDS, FaultRuleError, Faults
from sandbox.openai.faults import parse
from tests.fakes.openai_caller import KEY, Caller, Start, midnight

WINDOW: dict[str, Any] = {"start_time": midnight("2026-10-01"), "end_time": midnight("2026-11-01")}
COSTS: dict[str, Any] = {**WINDOW, "limit": 5}


async def healthy(caller: Caller) -> bool:
    return (await caller.page("costs", **COSTS))["has_more"] is True


@pytest.mark.parametrize(("status", "kind"), [(429, "requests"), (500, "server_error"), (503, "server_error")])
async def test_a_status_has_its_error_body_once(start: Start, status: int, kind: str) -> None:
    caller = await start(faults=[{"kind": "status", "status": status}])
    answer = await caller.get("costs", **COSTS)
    assert (answer.status, (await answer.json())["error"]["type"]) == (status, kind)
    assert "Retry-After" not in answer.headers
    assert await healthy(caller)


async def test_retry_after_comes_as_seconds_or_as_a_date(start: Start) -> None:
    rules = [{"kind": "status", "status": 429, "retry_after": 7}, {"kind": "status", "status": 429, "retry_at": 0}]
    caller = await start(faults=rules)
    first, second = [(await caller.get("costs", **COSTS)).headers["Retry-After"] for _ in range(2)]
    assert first == "7"
    assert email.utils.parsedate_to_datetime(second).timestamp() == 0


async def test_a_truncated_answer_is_half_a_document(start: Start) -> None:
    caller = await start(faults=[{"kind": "truncated"}])
    answer = await caller.get("costs", **COSTS)
    with pytest.raises(json.JSONDecodeError):
        await answer.json()
    assert await healthy(caller)


async def test_a_reset_cuts_the_connection_within_the_body(start: Start) -> None:
    caller = await start(faults=[{"kind": "reset"}])
    with pytest.raises(aiohttp.ClientError):
        await (await caller.get("costs", **COSTS)).read()
    assert await healthy(caller)


async def test_a_web_page_comes_with_200(start: Start) -> None:
    caller = await start(faults=[{"kind": "html"}])
    answer = await caller.get("costs", **COSTS)
    assert (answer.status, answer.content_type) == (200, "text/html")


async def test_a_redirect_points_elsewhere(start: Start) -> None:
    caller = await start(faults=[{"kind": "redirect", "location": "http://169.254.169.254/latest"}])
    answer = await caller.get("costs", **COSTS)
    assert (answer.status, answer.headers["Location"]) == (302, "http://169.254.169.254/latest")


async def test_a_repeated_cursor_leads_back_to_the_same_page(start: Start) -> None:
    caller = await start(faults=[{"kind": "repeated_cursor", "times": 2}])
    first = await caller.page("costs", **COSTS)
    again = await caller.page("costs", **COSTS, page=first["next_page"])
    assert again == first
    assert (await caller.page("costs", **COSTS, page=first["next_page"]))["next_page"] != first["next_page"]


async def test_a_lost_cursor_promises_more_and_gives_no_way(start: Start) -> None:
    caller = await start(faults=[{"kind": "lost_cursor"}])
    page = await caller.page("costs", **COSTS)
    assert (page["has_more"], page["next_page"]) == (True, None)


async def test_a_hanging_request_gets_no_answer_until_the_client_leaves(start: Start) -> None:
    caller = await start(faults=[{"kind": "hang"}])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await caller.get("costs", **COSTS)
    assert await healthy(caller)


@pytest.mark.parametrize("kind", ["drip", "delay"])
async def test_a_slow_answer_is_right_in_the_end(start: Start, kind: str) -> None:
    caller = await start(faults=[{"kind": kind, "seconds": 0.05}])
    assert await caller.page("costs", **COSTS) == await caller.page("costs", **COSTS)


async def test_a_rule_waits_for_its_turn_and_its_endpoint(start: Start) -> None:
    caller = await start(faults=[{"kind": "status", "endpoint": "costs", "skip": 1, "times": 2}])
    statuses = [(await caller.get("costs", **COSTS)).status for _ in range(4)]
    assert (statuses, (await caller.get("usage/images", **WINDOW)).status) == ([200, 500, 500, 200], 200)


async def test_a_refused_request_uses_no_rule_up(start: Start) -> None:
    caller = await start(faults=[{"kind": "status"}])
    await caller.get("costs", key="wrong", **COSTS)
    await caller.get("costs", start_time="never")
    assert (await caller.get("costs", **COSTS)).status == 500


async def test_rules_are_switched_while_it_runs(caller: Caller) -> None:
    switched = await caller.client.post("/_faults", json=[{"kind": "status", "status": 503, "times": None}])
    assert switched.status == 200
    assert [(await caller.get("costs", **COSTS)).status for _ in range(3)] == [503] * 3
    await caller.client.post("/_faults", json=[])
    assert await healthy(caller)


@pytest.mark.parametrize("posted", ["{}", "nonsense", '[{"kind": "plague"}]', '[{"kind": "html", "often": 1}]', "[7]"])
async def test_wrong_rules_are_refused_and_change_nothing(start: Start, posted: str) -> None:
    caller = await start(faults=[{"kind": "html"}])
    assert (await caller.client.post("/_faults", data=posted)).status == 400
    assert [rule["kind"] for rule in await (await caller.client.get("/_faults")).json()] == ["html"]


@pytest.mark.parametrize("rule", [{"kind": "html", "times": -1}, {"kind": "html", "times": "x"}, {"endpoint": "costs"}])
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(FaultRuleError, match="rule 0"):
        parse([rule])


def test_the_first_rule_that_applies_decides() -> None:
    faults = Faults(parse([{"kind": kind} for kind in KINDS]))
    taken = [rule.kind for _ in KINDS if (rule := faults.take("costs"))]
    assert taken == list(KINDS)
    assert faults.take("costs") is None


async def test_requests_are_counted_and_shown_without_the_key(start: Start) -> None:
    caller = await start(faults=[{"kind": "html"}])
    await caller.get("costs", **COSTS)
    await caller.get("costs", key=None)
    await caller.get("usage/images", **WINDOW, models=KEY)
    text = await (await caller.client.get("/_requests")).text()
    report = json.loads(text)
    assert report["total"] == 3
    assert report["by_path"] == {"/v1/organization/costs": 2, "/v1/organization/usage/images": 1}
    assert [(seen["status"], seen["fault"]) for seen in report["last"]] == [(200, "html"), (401, None), (200, None)]
    assert KEY not in text
