"""Brings one schedule up to date: writes what is due, follows its runs, and starts what has its turn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import structlog
from attrs import evolve, frozen
from prometheus_client import Counter, Histogram

from workers.catalog import Catalog
from workers.model.failure import FailedError, Reason
from workers.model.lease import StaleFenceError
from workers.model.occurrences import (
    Fire,
    Skip,
    Wait,
    followed,
    newly_due,
    not_accepted,
    not_retried,
    retried,
    turn,
)
from workers.model.parameters import on_day
from workers.model.run import RunStatus, TriggerType
from workers.model.timetable import Held, Occurrence, OccurrenceState
from workers.ports import Intake, Rounds
from workers.runtime.intake import Acceptance, Submission
from workers.runtime.visit import Visit

log = structlog.get_logger()
decided = Counter("occurrences_total", "Occurrences of schedules, by what became of them", ["state"])
disabled = Counter("schedules_disabled_total", "Schedules switched off because their pipeline is not declared")
lateness = Histogram("schedule_lateness_seconds", "Time from when an occurrence is due to its run, if on time")


@frozen
class Firing:
    """Looks at schedules that are held for it."""

    rounds: Rounds
    intake: Intake
    acceptance: Acceptance
    catalog: Catalog

    async def look(self, held: Held) -> None:
        """Bring the schedule up to date; what cannot be done now is done when the hold has expired."""
        schedule = held.schedule
        names = {"schedule_id": str(schedule.schedule_id), "org_slug": schedule.org_slug}
        with structlog.contextvars.bound_contextvars(**names):
            try:
                await self._look(held)
            except StaleFenceError:
                log.info("schedule changed while it was looked at")
            except FailedError as error:
                log.warning("schedule put off", reason=error.failure.reason, message=error.failure.message)
            except Exception:
                # Whatever is wrong with one schedule holds up no other.
                log.exception("schedule not understood")

    async def _look(self, held: Held) -> None:
        visit = Visit.of(held)
        for occurrence in held.pending:
            self._follow(visit, occurrence)
        planned, visit.next_due = newly_due(held.schedule, held.now)
        for occurrence in planned:
            visit.put(occurrence)
        if visit.changed:
            await self.rounds.write_round(held, visit.written(release=False))
        for occurrence in [one for one in visit.board.values() if one.retry_at and one.retry_at <= held.now]:
            await self._retry(visit, occurrence)
        for occurrence in [one for _, one in sorted(visit.board.items()) if _has_come(one, held.now)]:
            await self._decide(visit, occurrence)
        await self.rounds.write_round(held, visit.written(release=True))
        self._count(visit)

    def _follow(self, visit: Visit, occurrence: Occurrence) -> None:
        after = followed(visit.held.schedule, occurrence)
        if after is not None:
            visit.put(after)
            visit.last_run_status = "SUCCESS" if after.status is RunStatus.COMPLETED else "FAILED"

    async def _decide(self, visit: Visit, occurrence: Occurrence) -> None:
        held = visit.held
        match turn(held.schedule, occurrence, visit.live, visit.ahead(occurrence)):
            case Fire(instead_of):
                await self._fire(visit, occurrence, instead_of)
            case Wait():
                if occurrence.act_at is not None:
                    visit.put(evolve(occurrence, act_at=None))
            case Skip(why):
                visit.put(evolve(occurrence, state=OccurrenceState.SKIPPED, act_at=None, why=why))

    async def _fire(self, visit: Visit, occurrence: Occurrence, instead_of: Sequence[UUID]) -> None:
        held = visit.held
        try:
            new = await self.acceptance.prepare(self._submission(held, occurrence))
            # Not before: what may not run at all takes nobody's place.
            for run_id in instead_of:
                await self.intake.cancel(held.schedule.org_slug, run_id)
            added = await self.rounds.fire(held, occurrence.due_at, new)
        except FailedError as error:
            if error.failure.reason is Reason.SERVICE_UNAVAILABLE:
                raise
            visit.put(not_accepted(occurrence, error.failure, held.now))
            if error.failure.reason is Reason.PIPELINE_NOT_FOUND:
                self._disable(visit)
            return
        fired = evolve(occurrence, state=OccurrenceState.FIRED, act_at=None, live=True, run_ids=(added.run_id,))
        visit.board[occurrence.due_at] = fired
        visit.last_run_status = None
        decided.labels(OccurrenceState.FIRED).inc()
        if not occurrence.late:
            lateness.observe(max(0.0, (held.now - occurrence.due_at).total_seconds()))
        log.info("schedule fired", due_at=occurrence.due_at.isoformat(), run_id=str(added.run_id))

    async def _retry(self, visit: Visit, occurrence: Occurrence) -> None:
        held = visit.held
        decision = retried(held.schedule, occurrence, visit.live, held.now)
        if not isinstance(decision, Fire):
            visit.put(decision)
            return
        failed = await self.intake.find_run(held.schedule.org_slug, occurrence.run_ids[-1])
        if failed is None:
            visit.put(evolve(occurrence, retry_at=None, why="not tried again: its run is not kept any more"))
            return
        try:
            wanted = evolve(self._submission(held, occurrence), parameters=failed.parameters, day=None)
            added = await self.rounds.fire(
                held, occurrence.due_at, await self.acceptance.prepare(wanted, failed), again=True
            )
        except FailedError as error:
            if error.failure.reason is Reason.SERVICE_UNAVAILABLE:
                raise
            visit.put(not_retried(occurrence, error.failure, held.now))
            return
        again = evolve(occurrence, retry_at=None, live=True, run_ids=(*occurrence.run_ids, added.run_id))
        visit.board[occurrence.due_at] = again
        visit.last_run_status = None
        log.info("run of a schedule tried again", due_at=occurrence.due_at.isoformat(), run_id=str(added.run_id))

    def _submission(self, held: Held, occurrence: Occurrence) -> Submission:
        schedule, day = held.schedule, occurrence.due_at.astimezone(UTC).date()
        pipeline = self.catalog.find(schedule.provider, schedule.domain, schedule.pipeline)
        parameters = schedule.parameters if pipeline is None else on_day(pipeline, schedule.parameters, day)
        return Submission(
            schedule.org_slug,
            schedule.provider,
            schedule.domain,
            schedule.pipeline,
            {"trigger_by": f"schedule {schedule.name}", **parameters},
            trigger_type=TriggerType.SCHEDULER,
            priority=schedule.priority,
            day=day,
        )

    def _disable(self, visit: Visit) -> None:
        visit.disable = f"switched off: there is no pipeline {visit.held.schedule.path} any more"
        disabled.inc()
        log.error("schedule switched off", pipeline=visit.held.schedule.path, alarm=True)

    def _count(self, visit: Visit) -> None:
        for occurrence in visit.board.values():
            if occurrence.state in {OccurrenceState.SKIPPED, OccurrenceState.MISSED}:
                decided.labels(occurrence.state).inc()


def _has_come(occurrence: Occurrence, now: datetime) -> bool:
    return occurrence.state is OccurrenceState.DUE and (occurrence.act_at is None or occurrence.act_at <= now)
