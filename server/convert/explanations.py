"""Explanations of runs as the contract shows them."""

from __future__ import annotations

from uuid import UUID

from datapipeline.v1 import pipelines_pb2

from server.convert.values import timestamp_of
from workers.model.explanation import Explanation
from workers.model.situation import LaneState
from workers.runtime.explain import Explained


def explained_message(run_id: UUID, explained: Explained) -> pipelines_pb2.ExplainRunResponse:
    """Return the reasons in their order, and the lane while the run is live."""
    return pipelines_pb2.ExplainRunResponse(
        run_id=str(run_id),
        status=explained.status.value,
        reasons=[_reason(reason) for reason in explained.reasons],
        lane=_lane(explained.lane, explained.ahead) if explained.lane else None,
    )


def _reason(found: Explanation) -> pipelines_pb2.Explanation:
    return pipelines_pb2.Explanation(
        reason=found.reason,
        message=found.message,
        owner=found.owner.value,
        until=timestamp_of(found.until),
        remedy=found.remedy,
        link=found.link,
        retry=found.retry.value,
        forecast=timestamp_of(found.forecast),
        run_ids=[str(run_id) for run_id in found.run_ids],
        step=found.step,
    )


def _lane(lane: LaneState, ahead: int) -> pipelines_pb2.LaneStanding:
    return pipelines_pb2.LaneStanding(
        ahead=ahead,
        running=lane.running,
        cap=lane.cap,
        weight=lane.weight,
        share=lane.share,
        lanes_ahead=lane.lanes_ahead,
    )
