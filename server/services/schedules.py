"""The methods of SchedulerService that keep the schedules of one organisation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from uuid import UUID

from attrs import frozen
from datapipeline.v1 import scheduler_pb2

from server.call import Call
from server.convert import requests
from server.convert.schedules import coming_message, occurrence_message, path_of, schedule_message, schedule_of
from server.convert.tokens import PageTokens
from workers.catalog import Catalog
from workers.model.failure import Code, FailedError, Reason, refused
from workers.model.occurrences import overdue
from workers.model.parameters import on_day
from workers.model.schedule import due_times, next_due
from workers.model.timetable import NOTHING_OVERDUE, Overdue, Schedule
from workers.ports import Timetable

COMING = 10


@frozen
class Schedules:
    """Every method stays inside the caller's organisation; another's schedule is as none."""

    timetable: Timetable
    catalog: Catalog
    tokens: PageTokens
    new_id: Callable[[], UUID]

    async def ListSchedules(
        self, _request: scheduler_pb2.ListSchedulesRequest, call: Call
    ) -> scheduler_pb2.ListSchedulesResponse:
        """Return the organisation's schedules."""
        found = await self.timetable.list_schedules(call.org)
        return scheduler_pb2.ListSchedulesResponse(schedules=[schedule_message(one) for one in found])

    async def PutSchedule(self, request: scheduler_pb2.PutScheduleRequest, call: Call) -> scheduler_pb2.Schedule:
        """Create or replace a schedule."""
        wanted = request.schedule
        pipeline = self.catalog.find(*path_of(wanted))
        if pipeline is None:
            path = "/".join(part for part in path_of(wanted) if part)
            raise refused(Code.NOT_FOUND, Reason.PIPELINE_NOT_FOUND, f"there is no pipeline {path}", pipeline=path)
        now = await self.timetable.ping()
        schedule = schedule_of(wanted, call.org, pipeline, self.new_id(), now)
        self.catalog.inputs(pipeline, on_day(pipeline, schedule.parameters, now.date()), now.date())
        if wanted.config_id:
            await self._same(call.org, wanted.config_id, schedule)
        overdue = await self._overdue(schedule, now)
        kept = await self.timetable.put_schedule(schedule, _version(wanted.etag), overdue)
        return schedule_message(kept)

    async def DeleteSchedule(
        self, request: scheduler_pb2.DeleteScheduleRequest, call: Call
    ) -> scheduler_pb2.DeleteScheduleResponse:
        """Delete a schedule."""
        if not await self.timetable.delete_schedule(call.org, _id(request.config_id)):
            raise _absent()
        return scheduler_pb2.DeleteScheduleResponse()

    async def PauseSchedule(self, request: scheduler_pb2.PauseScheduleRequest, call: Call) -> scheduler_pb2.Schedule:
        """Keep a schedule from firing."""
        paused = await self.timetable.set_schedule_active(
            call.org, _id(request.config_id), active=False, note=request.note, next_due=None
        )
        return schedule_message(_there(paused))

    async def ResumeSchedule(self, request: scheduler_pb2.ResumeScheduleRequest, call: Call) -> scheduler_pb2.Schedule:
        """Let a schedule fire again."""
        schedule = _there(await self.timetable.find_schedule(call.org, _id(request.config_id)))
        now = await self.timetable.ping()
        resumed = await self.timetable.set_schedule_active(
            call.org,
            schedule.schedule_id,
            active=True,
            note=request.note,
            next_due=next_due(schedule.timing, now),
            overdue=overdue(schedule, now),
        )
        return schedule_message(_there(resumed))

    async def ListOccurrences(
        self, request: scheduler_pb2.ListOccurrencesRequest, call: Call
    ) -> scheduler_pb2.ListOccurrencesResponse:
        """Return a page of what has come, and what is to come."""
        schedule = _there(await self.timetable.find_schedule(call.org, _id(request.config_id)))
        size = requests.page_size_of(request.page_size, 0)
        place = self.tokens.read(request.page_token, call.org, str(schedule.schedule_id))
        before = place[0] if place else None
        found = await self.timetable.occurrences(call.org, schedule.schedule_id, before, size + 1)
        page, answer = found[:size], scheduler_pb2.ListOccurrencesResponse()
        answer.past.extend(occurrence_message(one) for one in page)
        if len(found) > size:
            last = page[-1].due_at, schedule.schedule_id
            answer.next_page_token = self.tokens.make(last, call.org, str(schedule.schedule_id))
        if schedule.active:
            coming = due_times(schedule.timing, await self.timetable.ping())
            wanted = min(request.next or COMING, requests.LARGEST_PAGE)
            answer.coming.extend(coming_message(schedule, due_at) for due_at in islice(coming, wanted))
        return answer

    async def _overdue(self, new: Schedule, now: datetime) -> Overdue:
        """Return what is overdue in the schedule that a new one replaces."""
        kept = await self.timetable.list_schedules(new.org_slug)
        replaced = (one for one in kept if (one.path, one.name) == (new.path, new.name))
        return next((overdue(one, now) for one in replaced), NOTHING_OVERDUE)

    async def _same(self, org: str, config_id: str, schedule: Schedule) -> None:
        """Refuse a put that names a schedule of another pipeline or name."""
        named = _there(await self.timetable.find_schedule(org, _id(config_id)))
        if (named.path, named.name) != (schedule.path, schedule.name):
            message = f"config_id is that of {named.path} {named.name}; a schedule keeps its pipeline and name"
            raise refused(Code.INVALID_ARGUMENT, Reason.REQUEST_INVALID, message, field="schedule.config_id")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _absent() from None


def _version(etag: str) -> int | None:
    """Return the version an etag stands for, one that never is for a text that is none."""
    if not etag:
        return None
    return int(etag) if etag.isascii() and etag.isdigit() and len(etag) < len(str(2**63)) else -1


def _there(schedule: Schedule | None) -> Schedule:
    if schedule is None:
        raise _absent()
    return schedule


def _absent() -> FailedError:
    """Build the one answer for a schedule of another organisation and for one that never was."""
    return refused(Code.NOT_FOUND, Reason.SCHEDULE_NOT_FOUND, "there is no such schedule")
