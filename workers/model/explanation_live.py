"""Why a run that is not over is not further: the facts in, reasons in order out, the most decisive first. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from workers.model.explanation import Explanation, Why
from workers.model.forecast import forecast_start
from workers.model.pause import Pause
from workers.model.run import Run, RunStatus, StepStatus
from workers.model.situation import MOST_COUNTED, Leased, Live, Paused, Suspected, Waiting

CRASHES_ALLOWED = 3

PAUSES: dict[Pause, Why] = {
    Pause.ASKED: Why.SNOOZED,
    Pause.RATE_BUDGET: Why.RATE_BUDGET,
    Pause.RATE_LIMIT: Why.RATE_LIMITED,
    Pause.HOST_DOWN: Why.HOST_DOWN,
    Pause.TURN: Why.TURN_TAKEN,
    Pause.QUOTA: Why.QUOTA_USED_UP,
    Pause.RETRY: Why.RETRY_SCHEDULED,
}


def live_reasons(run: Run, at: datetime, live: Live) -> tuple[Explanation, ...]:
    """Return at least one reason."""
    place = live.place
    match place:
        case Leased():
            return (_held(run, at, place, live),)
        case Paused():
            return (*_absent(live), _paused(place))
        case Suspected():
            return (*_absent(live), *_stopping(run), *_capped(run, at, live), _suspected(place, live))
        case Waiting():
            reasons = (*_absent(live), *_stopping(run), *_in_line(run, at, place, live))
            return reasons or (_next(),)
        case _ as never:
            assert_never(never)


def _next() -> Explanation:
    return Explanation(Why.NEXT, "nothing stands before it: the next worker that looks for work takes it")


def _held(run: Run, at: datetime, place: Leased, live: Live) -> Explanation:
    if place.until <= at:
        message = f"{place.worker} has not renewed its lease; the run is about to be taken back and tried again"
        return Explanation(Why.LEASE_EXPIRED, message, until=place.until)
    if run.status is RunStatus.CANCELLING:
        return Explanation(Why.CANCELLING, f"{place.worker} is asked to stop it", until=place.until)
    alone = f" and nothing else, because the run's worker died before{_counted(live)}" if place.alone else ""
    message = f"{place.worker} is doing {_doing(run)}{alone}; its lease is renewed"
    return Explanation(Why.RUNNING, message, until=place.until)


def _doing(run: Run) -> str:
    steps = [step for step in run.steps if step.status is StepStatus.RUNNING]
    said = (f"{step.step_id} (attempt {step.attempt})" if step.attempt > 1 else step.step_id for step in steps)
    return ", ".join(said) or "its first step"


def _paused(place: Paused) -> Explanation:
    failed = f" ({place.failure})" if place.failure else ""
    message = f"{place.why or 'it is taken up again at that time'}{failed}"
    return Explanation(PAUSES[place.pause], message, until=place.until)


def _suspected(place: Suspected, live: Live) -> Explanation:
    message = (
        "its worker died, so it waits to be tried alone, or beside others one at a time; "
        f"{_many(place.ahead, 'such run stands', 'such runs stand')} before it{_counted(live)}"
    )
    return Explanation(Why.SUSPECT, message, until=place.patient_until)


def _counted(live: Live) -> str:
    if not live.crashes:
        return ""
    return f" (died {live.crashes} times while it ran alone; after {CRASHES_ALLOWED} it is put aside)"


def _absent(live: Live) -> Iterator[Explanation]:
    if not live.fleet.workers:
        yield Explanation(Why.NO_WORKER, "no worker is there to take runs", remedy="tell the operators")


def _stopping(run: Run) -> Iterator[Explanation]:
    if run.status is RunStatus.CANCELLING:
        message = "it is asked to stop; its worker died, and the next one that takes it ends it"
        yield Explanation(Why.CANCELLING, message)


def _in_line(run: Run, at: datetime, place: Waiting, live: Live) -> Iterator[Explanation]:
    yield from _capped(run, at, live)
    if live.fleet.workers and not live.fleet.free:
        yield Explanation(Why.SLOTS_FULL, "every slot of every worker is taken; each that ends takes on another run")
    if live.lane.lanes_ahead and not live.fleet.free:
        yield _behind_others(live)
    if place.ahead:
        message = f"{_many(place.ahead, 'run', 'runs')} of the organisation {_start(place.ahead)} before it"
        yield Explanation(Why.QUEUED, message, forecast=forecast_start(live, at))
    if live.fleet.shut_until is not None:
        message = "the workers keep for a moment to a run that is tried alone, because its worker died before"
        yield Explanation(Why.WORKERS_SHUT, message, until=live.fleet.shut_until)


def _behind_others(live: Live) -> Explanation:
    lane = live.lane
    message = (
        f"{_many(lane.lanes_ahead, 'other organisation starts', 'other organisations start')} a run before this one "
        f"does: slots go by weight, and with a weight of {lane.weight:g} it has {lane.share:.0%} of those in use"
    )
    return Explanation(Why.LANES_AHEAD, message)


def _capped(run: Run, at: datetime, live: Live) -> Iterator[Explanation]:
    lane = live.lane
    if lane.cap <= 0:
        message = "the organisation's lane is paused: it may run nothing at once"
        yield Explanation(Why.LANE_PAUSED, message, remedy="ask the operators, or raise the plan's limit")
    elif lane.running >= lane.cap:
        yield Explanation(
            Why.CAP_REACHED,
            f"{_many(lane.running, 'run', 'runs')} of the organisation {_run(lane.running)} and its cap is {lane.cap}",
            remedy="wait for one to end, cancel one, or raise the plan's limit",
            forecast=forecast_start(live, at),
            run_ids=tuple(holder.run_id for holder in lane.holders if holder.run_id != run.run_id),
        )


def _start(count: int) -> str:
    return "starts" if count == 1 else "start"


def _run(count: int) -> str:
    return "runs" if count == 1 else "run"


def _many(count: int, one: str, more: str) -> str:
    if count > MOST_COUNTED:
        return f"more than {MOST_COUNTED} {more}"
    return f"{count} {one if count == 1 else more}"
