"""Explanations on the wire."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from server.convert.explanations import explained_message
from workers.model.explanation import Explanation, Owner, Retry, Why
from workers.model.run import RunStatus
from workers.model.situation import LaneState
from workers.runtime.explain import Explained

PROTO = Path(__file__).parents[4] / "proto" / "datapipeline" / "v1" / "pipelines.proto"
RUN, OTHER = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
FULL = Explanation(
    Why.CAP_REACHED, "1 run", Owner.SERVICE, NOON, "wait", "http://mend", Retry.NO, NOON, (OTHER,), "step"
)


def test_a_reason_keeps_all_that_is_known() -> None:
    lane = LaneState(cap=4, weight=2.0, running=1, running_in_all=4, lanes_ahead=3)
    shown = explained_message(RUN, Explained(RunStatus.PENDING, (FULL,), lane, ahead=7))
    (reason,) = shown.reasons
    assert (shown.run_id, shown.status, reason.reason, reason.message) == (str(RUN), "PENDING", "CAP_REACHED", "1 run")
    assert (reason.owner, reason.remedy, reason.link, reason.retry) == ("service", "wait", "http://mend", "NO")
    assert {reason.until.seconds, reason.forecast.seconds} == {int(NOON.timestamp())}
    assert (list(reason.run_ids), reason.step) == ([str(OTHER)], "step")
    told = shown.lane
    assert (told.ahead, told.running, told.cap, told.weight, told.share, told.lanes_ahead) == (7, 1, 4, 2.0, 0.25, 3)


def test_a_reason_without_times_has_none_and_an_ended_run_no_lane() -> None:
    shown = explained_message(RUN, Explained(RunStatus.COMPLETED, (Explanation(Why.COMPLETED, "done"),)))
    assert not shown.HasField("lane")
    assert not shown.reasons[0].HasField("until")
    assert not shown.reasons[0].HasField("forecast")


def test_every_reason_owner_and_advice_stands_in_the_contract() -> None:
    message = re.search(r"message Explanation \{.*?\n\}", PROTO.read_text(), re.DOTALL)
    assert message is not None
    named = set(re.findall(r"\w+", message.group()))
    assert {*Why, *(owner for owner in Owner if owner), *(advice for advice in Retry if advice)} <= named
