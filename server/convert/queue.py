"""The queue and the scheduler's work as the contract shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from datapipeline.v1 import scheduler_pb2

from server.convert.values import timestamp_of
from workers.model.overview import Decided, Lane, Outlook, QueuedRun, SchedulerCounts
from workers.model.timetable import OccurrenceState


def triggered_message(decided: Sequence[Decided], outlook: Outlook) -> scheduler_pb2.TriggerScheduledResponse:
    """Return what became of the occurrences of a minute."""
    fired = [one.occurrence for one in decided if one.occurrence.state is OccurrenceState.FIRED]
    skipped = [one for one in decided if one.occurrence.state is not OccurrenceState.FIRED]
    return scheduler_pb2.TriggerScheduledResponse(
        triggered=len(fired),
        queued=outlook.queued,
        skipped=len(skipped),
        run_ids=[str(occurrence.run_ids[-1]) for occurrence in fired],
        skips=[_skipped(one) for one in skipped],
        next_run_time=timestamp_of(outlook.next_due),
    )


def lane_message(lane: Lane) -> scheduler_pb2.Lane:
    """Return a lane."""
    return scheduler_pb2.Lane(
        org_slug=lane.org_slug,
        depth=lane.depth,
        running=lane.running,
        cap=lane.cap,
        weight=lane.weight,
        oldest_wait_seconds=round(max(lane.oldest_wait, 0.0), 3),
    )


def item_message(run: QueuedRun) -> scheduler_pb2.QueuedRun:
    """Return a run that waits or runs."""
    return scheduler_pb2.QueuedRun(
        run_id=str(run.run_id),
        org_slug=run.org_slug,
        pipeline_id=run.pipeline_id,
        state="PROCESSING" if run.running else "QUEUED",
        priority=run.priority,
        added_at=timestamp_of(run.accepted_at),
        processing_started_at=timestamp_of(run.started_at),
        trigger_type=run.trigger_type,
    )


def status_message(counts: SchedulerCounts) -> scheduler_pb2.GetSchedulerStatusResponse:
    """Return the scheduler's status."""
    return scheduler_pb2.GetSchedulerStatusResponse(
        total_active_pipelines=counts.active,
        pipelines_due_now=counts.due_now,
        pipelines_queued=counts.waiting + counts.undecided,
        pipelines_running=counts.running,
        pipelines_completed_today=counts.completed,
        pipelines_failed_today=counts.failed,
        queue_length=counts.waiting,
        avg_execution_time_seconds=round(counts.average_seconds, 3),
        next_run_time=timestamp_of(counts.next_due),
        last_run_time=timestamp_of(counts.last_fired),
    )


def minute_of(moment: datetime) -> datetime:
    """Return the beginning of a minute."""
    return moment.replace(second=0, microsecond=0)


def _skipped(one: Decided) -> scheduler_pb2.SkippedOccurrence:
    return scheduler_pb2.SkippedOccurrence(
        config_id=str(one.schedule_id),
        org_slug=one.org_slug,
        pipeline_id=one.pipeline_id,
        name=one.name,
        due_at=timestamp_of(one.occurrence.due_at),
        state=one.occurrence.state.value,
        why=one.occurrence.why,
    )
