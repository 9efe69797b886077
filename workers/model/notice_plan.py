"""Which notices come of what happened to a run, given the settings and what was told before. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import evolve, frozen

from workers.model.credential import shown
from workers.model.failure import Reason
from workers.model.notice import Channel, Event, Letter, Notice, Pause, Terms, fill, lines, one_line
from workers.model.quality import warned
from workers.model.run import Run, RunStatus, StepStatus

MOST_HELD = 20
BAD_DATA = Reason.DATA_QUALITY_FAILED.value
FAILED = frozenset({RunStatus.FAILED, RunStatus.TIMEOUT, RunStatus.QUARANTINED})
_TROUBLE = frozenset(
    {Event.PIPELINE_FAILURE, Event.DATA_QUALITY_FAILURE, Event.RATE_LIMIT_EXCEEDED, Event.SYSTEM_ERROR}
)
_SAID = {
    Event.PIPELINE_STARTED: "started",
    Event.PIPELINE_SUCCESS: "succeeded",
    Event.PIPELINE_FAILURE: "failed",
    Event.PIPELINE_WARNING: "completed with warnings",
    Event.DATA_QUALITY_FAILURE: "failed a data quality check",
    Event.RATE_LIMIT_EXCEEDED: "met the provider's rate limit",
    Event.SYSTEM_ERROR: "was stopped by a system error",
}
_NAMED = (
    ("Organisation", "org_slug"),
    ("Pipeline", "pipeline_id"),
    ("Run", "run_id"),
    ("Run date", "run_date"),
    ("Status", "status"),
    ("Started", "start_time"),
    ("Ended", "end_time"),
    ("Duration", "duration"),
    ("Step", "step"),
    ("Reason", "reason"),
    ("Error", "error"),
)


@frozen
class Occasion:
    """Something to tell: its events, the most precise first, in words, with its facts.

    `always` is for what is not held back by a cooldown.
    """

    key: str
    org: str
    pipeline_id: str
    events: tuple[Event, ...]
    said: str
    facts: Mapping[str, str]
    always: bool = False

    def event(self, terms: Terms) -> Event | None:
        """Return the event it is told as, None when it is not told."""
        return next((event for event in self.events if event in terms.events), None)


@frozen
class Told:
    """What an occasion comes to on a channel: a letter now, or nothing, and the pause that holds from now on."""

    letter: Letter | None
    pause: Pause | None


def events_of(run: Run, alerting: frozenset[str]) -> tuple[Event, ...]:
    """Return what the end of a run is, the most precise first; `alerting` steps failed on_failure: alert.

    Rows that were published although they are not all as expected are a warning, too.
    """
    reason = run.error.reason.value if run.error else ""
    if run.status is RunStatus.COMPLETED:
        broken = [step for step in run.steps if step.status is StepStatus.FAILED and step.step_id in alerting]
        bad = any(step.error and step.error.reason.value == BAD_DATA for step in broken)
        odd = any(warned(step.output) for step in run.steps)
        warning = (Event.PIPELINE_WARNING,) if broken or odd else ()
        return (*((Event.DATA_QUALITY_FAILURE,) if bad else ()), *warning, Event.PIPELINE_SUCCESS)
    if run.status not in FAILED:
        return ()
    precise = {Reason.PROVIDER_RATE_LIMIT.value: Event.RATE_LIMIT_EXCEEDED, BAD_DATA: Event.DATA_QUALITY_FAILURE}
    if run.status is RunStatus.QUARANTINED:
        return (Event.SYSTEM_ERROR, Event.PIPELINE_FAILURE)
    return (*((precise[reason],) if reason in precise else ()), Event.PIPELINE_FAILURE)


def ending(run: Run, alerting: frozenset[str], failures: int) -> tuple[Occasion | None, int]:
    """Return what there is to tell of an ended run after so many `failures` in a row, and how many there are now.

    The first failure, the second (it is still failing) and the recovery are told, each once.
    """
    events = events_of(run, alerting)
    told = _occasion(run, events)
    if run.status in FAILED:
        again = " again: it is still failing" if failures else ""
        told = evolve(told, said=f"{told.said}{again}")
        return (told if failures < 2 else None), failures + 1  # noqa: PLR2004 - the first and the second
    if run.status is RunStatus.COMPLETED:
        if failures:
            said = f"has recovered after {failures} failed run{'s' if failures > 1 else ''}"
            told = evolve(told, events=(*events, *sorted(_TROUBLE)), said=said, always=True)
        return told, 0
    return None, failures


def during(run: Run, event: Event, why: str, number: int) -> Occasion:
    """Return what is told of a run that has not ended, the piece of news of that `number`."""
    told = _occasion(run, (event,))
    return evolve(told, key=f"{run.run_id}-{event}-{number}", facts={**told.facts, "error": one_line(shown(why))})


def outside(key: str, event: Event, said: str) -> Occasion:
    """Return what is told of the service itself."""
    return Occasion(key, "", "", (event,), said, {"event": event})


def tell(told: Occasion, channel: Channel, terms: Terms, pause: Pause | None, now: datetime) -> Told:
    """Decide what becomes of an occasion on a channel; what a pause holds back is kept for its end."""
    event = told.event(terms)
    if event is None or not _reaches(channel, terms.to, terms):
        return Told(None, pause)
    if pause is not None and now < pause.until and not told.always:
        line = one_line(f"{told.pipeline_id} {told.said} {told.facts.get('end_time', '')}")
        if len(pause.held) < MOST_HELD:
            return Told(None, evolve(pause, held=(*pause.held, line)))
        return Told(None, evolve(pause, more=pause.more + 1))
    letter = _letter(told, channel, terms, event)
    held = pause.held if pause else ()
    if held and not told.always:
        letter = evolve(letter, text=lines(f"{letter.text}\n\nHeld back since the last one:\n{_listed(pause)}"))
    if told.always or not terms.cooldown_minutes:
        return Told(letter, pause if told.always else None)
    until = now + timedelta(minutes=terms.cooldown_minutes)
    return Told(letter, Pause(until, terms.to, terms.cc, terms.subject_prefix))


def summary(org: str, channel: Channel, event: str, pause: Pause) -> Letter:
    """Return the letter about what a pause has held back, to those it was held back from."""
    terms = Terms(enabled=True, to=pause.to, cc=pause.cc, subject_prefix=pause.subject_prefix)
    count = len(pause.held) + pause.more
    about = f"{org or 'data-pipeline-service'}: {count} more: {event.replace('_', ' ')}"
    key = f"{org}-{channel}-{event}-{terms.audience}-{pause.until:%Y%m%dT%H%M%S.%f}"
    subject = _subject(terms, about)
    return Letter(key, org, channel, f"{channel} {org}", subject, lines(_listed(pause)), pause.to, pause.cc)


def asked(run: Run, step_id: str, notice: Notice, terms: Terms) -> Letter | None:
    """Return the letter that a step of an ended run asked for; None when its channel is off."""
    to = notice.to or terms.to
    if not _reaches(notice.channel, to, terms):
        return None
    told = _occasion(run, ())
    usual = _letter(told, notice.channel, terms, None)
    return evolve(
        usual,
        key=f"{run.run_id}-step-{step_id}-{notice.channel}",
        subject=_subject(terms, fill(notice.subject, told.facts)) if notice.subject else usual.subject,
        text=lines(fill(notice.message, told.facts)) if notice.message else usual.text,
        to=to,
        cc=notice.cc if notice.to or notice.cc else terms.cc,
    )


def _reaches(channel: Channel, to: tuple[str, ...], terms: Terms) -> bool:
    return terms.enabled and (channel is not Channel.EMAIL or bool(to))


def _occasion(run: Run, events: tuple[Event, ...]) -> Occasion:
    facts = _facts(run, events[0] if events else None)
    said = _SAID[events[0]] if events else f"ended {run.status}"
    return Occasion(f"{run.run_id}-ended", run.org_slug, run.pipeline_id, events, said, facts)


def _facts(run: Run, event: Event | None) -> Mapping[str, str]:
    error = run.error
    took = run.end_time - (run.start_time or run.created_at) if run.end_time else None
    return {
        "event": event or "",
        "org_slug": one_line(run.org_slug),
        "pipeline_id": one_line(run.pipeline_id),
        "run_id": str(run.run_id),
        "run_date": run.run_date.isoformat(),
        "status": run.status,
        "start_time": _moment(run.start_time),
        "end_time": _moment(run.end_time),
        "duration": f"{took.total_seconds():.0f} s" if took is not None else "",
        "step": one_line(error.step) if error else "",
        "reason": error.reason if error else "",
        "error": one_line(shown(error.message), 300) if error else "",
    }


def _letter(told: Occasion, channel: Channel, terms: Terms, event: Event | None) -> Letter:
    about = one_line(f"{told.pipeline_id or 'data-pipeline-service'} {told.said}")
    facts = told.facts if event is None else {**told.facts, "event": event}
    listed = "\n".join(f"{name + ':':<14}{facts[fact]}" for name, fact in _NAMED if facts.get(fact))
    text = lines(f"{about}\n\n{listed}".strip())
    lane = f"{channel} {told.org} {told.pipeline_id}"
    key = f"{told.key}-{channel}"
    return Letter(key, told.org, channel, lane, _subject(terms, about), text, terms.to, terms.cc)


def _subject(terms: Terms, about: str) -> str:
    return one_line(f"{terms.subject_prefix} {about}")


def _listed(pause: Pause | None) -> str:
    if pause is None:
        return ""
    return "\n".join((*(f"- {line}" for line in pause.held), *((f"- and {pause.more} more",) if pause.more else ())))


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
