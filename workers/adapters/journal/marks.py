"""Marks of one lease as the flat lists that the statement `record` takes: events, step changes, receipts, the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

import attrs
from attrs import field, frozen

from workers.adapters.journal.encode import error_object, to_json
from workers.model.lease import (
    Checkpointed,
    Lease,
    Logged,
    Mark,
    Noticed,
    PageRead,
    Progressed,
    RunEnded,
    StepBegan,
    StepEnded,
)
from workers.model.run import EventType, StepRun, StepStatus


@frozen
class Entry:
    """An item of a batch, its parts encoded; `number` tells it from every other entry under its fence."""

    lease: Lease
    number: int
    item: str
    events: tuple[str, ...]
    steps: tuple[str, ...]
    receipts: tuple[str, ...]
    ends: bool


@frozen
class _Sheet:
    """Collects what marks say; several marks on one step become one change of it."""

    run: str
    events: list[dict[str, Any]] = field(factory=list)
    steps: dict[str, dict[str, Any]] = field(factory=dict)
    receipts: list[dict[str, Any]] = field(factory=list)
    notices: list[dict[str, Any]] = field(factory=list)
    ends: list[RunEnded] = field(factory=list)

    def tell(self, kind: EventType, step: str = "", **said: Any) -> None:
        said = {"status": "", "message": "", "progress": None, "error": None, **said}
        self.events.append({"run": self.run, "n": len(self.events) + 1, "type": kind, "step": step, **said})

    def change(self, step: str, **values: Any) -> None:
        self.steps.setdefault(step, {"run": self.run, "step": step}).update(values)

    def keep(self, mark: Noticed | RunEnded) -> None:
        if isinstance(mark, RunEnded):
            self.ends.append(mark)
        else:
            self.notices.append(_notice(mark))


def entry_of(lease: Lease, marks: Sequence[Mark], number: int) -> Entry:
    """Encode marks in their order; ValueError when something follows the end of the run."""
    sheet = _Sheet(str(lease.run.run_id))
    for mark in marks:
        if sheet.ends:
            raise ValueError("nothing follows the end of a run")
        _note(sheet, mark)
    item: dict[str, Any] = {"run": sheet.run, "fence": lease.fence, "mark": number, "events": len(sheet.events)}
    if sheet.notices:
        item["notices"] = sheet.notices
    for end in sheet.ends:
        item |= {"status": end.status, "error": error_object(end.error)}
    return Entry(
        lease,
        number,
        to_json(item),
        tuple(to_json(event) for event in sheet.events),
        tuple(to_json(step) for step in sheet.steps.values()),
        tuple(to_json(receipt) for receipt in sheet.receipts),
        bool(sheet.ends),
    )


def _note(sheet: _Sheet, mark: Mark) -> None:
    match mark:
        case StepBegan(step_id, attempt):
            running = StepStatus.RUNNING
            sheet.change(step_id, status=running, attempt=attempt, began=True, ended=False, error=None)
            sheet.tell(EventType.STEP_STARTED, step_id, status=running)
        case StepEnded(step):
            _note_end(sheet, step)
        case Progressed(step_id, progress):
            sheet.change(step_id, rows=progress.rows, bytes=progress.bytes)
            sheet.tell(EventType.PROGRESS, step_id, progress=attrs.astuple(progress))
        case Checkpointed(step_id, state):
            sheet.change(step_id, checkpoint=dict(state))
        case PageRead():
            _note_page(sheet, mark)
        case Logged(message, step_id):
            sheet.tell(EventType.LOG, step_id, message=message)
        case Noticed() | RunEnded():
            sheet.keep(mark)
        case _ as never:
            assert_never(never)


def _note_end(sheet: _Sheet, step: StepRun) -> None:
    error = error_object(step.error)
    counts = {"rows": step.rows, "bytes": step.bytes, "output": dict(step.output)}
    attempt = {"attempt": step.attempt} if step.attempt else {}
    moved = {"bookmark": attrs.asdict(step.bookmark)} if step.bookmark else {}
    sheet.change(step.step_id, status=step.status, ended=True, error=error, **counts, **attempt, **moved)
    done = (step.rows, 0, step.bytes)
    sheet.tell(EventType.STEP_FINISHED, step.step_id, status=step.status, progress=done, error=error)


def _note_page(sheet: _Sheet, mark: PageRead) -> None:
    receipt = attrs.asdict(mark.receipt)
    number = mark.ordinal or mark.receipt.number
    place = {"step": mark.step_id, "attempt": mark.attempt, "number": number}
    sheet.receipts.append({"run": sheet.run, **place, "body": receipt})


def _notice(mark: Noticed) -> dict[str, Any]:
    if mark.notice is not None:
        return {"about": "step", "step": mark.step_id, "notice": attrs.asdict(mark.notice)}
    return {"about": "event", "event": mark.event, "why": mark.why}
