"""SchedulerService: what is due, what waits, and the schedules; an organisation's key reaches that organisation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import frozen
from datapipeline.v1 import scheduler_pb2, scheduler_pb2_grpc

from server.call import Call
from server.convert import requests
from server.convert.queue import item_message, lane_message, minute_of, status_message, triggered_message
from server.services.schedules import Schedules
from workers.catalog.orgs import Directory
from workers.model.failure import Code, Reason, refused
from workers.ports import Clock, Queue
from workers.runtime.scheduler import Scheduler

OLDEST, NEWEST = timedelta(days=7), timedelta(hours=1)
TRIGGER_SECONDS = 10.0
PROGRESS_SECONDS = 5.0
POLL_SECONDS = 0.05
MOST_DECIDED = 1000


@frozen
class SchedulerService(Schedules, scheduler_pb2_grpc.SchedulerServiceServicer):
    """With the root key every method that is not about one organisation's schedules is about all organisations."""

    scheduler: Scheduler
    queue: Queue
    directory: Directory
    clock: Clock

    async def TriggerScheduled(
        self, request: scheduler_pb2.TriggerScheduledRequest, call: Call
    ) -> scheduler_pb2.TriggerScheduledResponse:
        """Decide what is due and tell what became of the minute."""
        now = await self.timetable.ping()
        due_at = request.due_at.ToDatetime(UTC) if request.HasField("due_at") else now
        if not now - OLDEST <= due_at <= now + NEWEST:
            message = "due_at must be within the last seven days, or at most an hour ahead"
            raise refused(Code.INVALID_ARGUMENT, Reason.REQUEST_INVALID, message, field="due_at")
        org, until = call.principal.org_slug, self._until(due_at, now)
        outlook = await self.scheduler.trigger(org, until, self._patience(call, TRIGGER_SECONDS))
        decided = await self.timetable.decided(org, minute_of(until or now), MOST_DECIDED)
        return triggered_message(decided, outlook)

    async def GetQueue(self, request: scheduler_pb2.GetQueueRequest, call: Call) -> scheduler_pb2.GetQueueResponse:
        """Return lanes and a page of runs."""
        org = call.principal.org_slug
        size = requests.page_size_of(request.page_size, 0)
        bound_to = ("queue", org or "")
        found = await self.queue.queued(org, self.tokens.read(request.page_token, *bound_to), size + 1)
        page = found[:size]
        more = len(found) > size
        return scheduler_pb2.GetQueueResponse(
            lanes=[lane_message(lane) for lane in await self.queue.lanes(org)],
            items=[item_message(run) for run in page],
            next_page_token=self.tokens.make((page[-1].accepted_at, page[-1].run_id), *bound_to) if more else "",
        )

    async def GetSchedulerStatus(
        self, _request: scheduler_pb2.GetSchedulerStatusRequest, call: Call
    ) -> scheduler_pb2.GetSchedulerStatusResponse:
        """Return counts."""
        return status_message(await self.queue.scheduler_counts(call.principal.org_slug))

    async def ProcessQueue(
        self, _request: scheduler_pb2.ProcessQueueRequest, call: Call
    ) -> scheduler_pb2.ProcessQueueResponse:
        """Wake the workers and wait until something that waited has started."""
        org = call.principal.org_slug
        if org is not None:
            await self._check(org)
        now = await self.queue.ping()
        waiting = left = await self.queue.startable(org, now)
        deadline = self.clock.monotonic() + self._patience(call, PROGRESS_SECONDS)
        while waiting and left == waiting and self.clock.monotonic() < deadline:
            self.queue.wake()
            await self.clock.sleep(POLL_SECONDS)
            left = await self.queue.startable(org, now)
        return scheduler_pb2.ProcessQueueResponse(waiting_runs=waiting, started_runs=max(0, waiting - left))

    async def _check(self, slug: str) -> None:
        org = await self.directory.org(slug)
        obstacle = "the organisation is not known" if org is None else org.obstacle(self.clock.now().date())
        if obstacle:
            raise refused(Code.PERMISSION_DENIED, Reason.SUBSCRIPTION_INACTIVE, obstacle)

    def _patience(self, call: Call, seconds: float) -> float:
        """Return how long to work, leaving the caller time to hear of it."""
        return seconds if call.remaining is None else max(0.0, min(seconds, call.remaining / 2))

    def _until(self, due_at: datetime, now: datetime) -> datetime | None:
        """Return the end of the minute that is asked for; None for the present one."""
        end = minute_of(due_at) + timedelta(minutes=1)
        return end - timedelta(microseconds=1) if end <= now else None
