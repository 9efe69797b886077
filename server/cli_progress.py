"""A run while it happens: given its events, prints bars on a terminal, lines into a pipe, or JSON lines."""

from __future__ import annotations

from typing import Protocol

from attrs import define, field
from datapipeline.v1 import run_pb2
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from server.cli_errors import printable
from server.cli_output import cell, failure, json_line, moment, status


class Display(Protocol):
    """Shows events between start and stop."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End, whatever happened."""

    def show(self, event: run_pb2.RunEvent) -> None:
        """Show one event."""

    def lost(self, attempt: int) -> None:
        """Say that the connection is lost and is tried again."""


def display(console: Console, *, as_json: bool) -> Display:
    """Choose by who reads."""
    if as_json:
        return JsonLines()
    return Bars(console) if console.is_terminal else Lines(console)


class _Steady:
    """A display that needs no beginning and no end."""

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass


class JsonLines(_Steady):
    """Every event as one JSON object."""

    def show(self, event: run_pb2.RunEvent) -> None:
        """Print the event."""
        json_line(event)

    def lost(self, attempt: int) -> None:
        """Say nothing: the sequence numbers tell."""


@define
class Lines(_Steady):
    """Every event as one line of text."""

    console: Console

    def show(self, event: run_pb2.RunEvent) -> None:
        """Print time, step, what happened and how far it is."""
        words = (moment(event.time), event.type, event.step_id, event.status, _amount(event.progress), event.message)
        line = "  ".join(printable(word) for word in (*words, failure(event.error)) if word)
        self.console.print(cell(line), soft_wrap=True)

    def lost(self, attempt: int) -> None:
        """Print the attempt."""
        self.console.print(f"connection lost, attempt {attempt} to go on")


@define
class Bars:
    """A live bar per step; it moves while its step runs and fills when the step ends."""

    console: Console
    _tasks: dict[str, TaskID] = field(factory=dict)
    _progress: Progress = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Lay out the columns."""
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(pulse_style="cyan"))
        rest = (TextColumn("{task.fields[amount]}", markup=False), TimeElapsedColumn())
        self._progress = Progress(*columns, *rest, console=self.console)

    def start(self) -> None:
        """Begin to draw."""
        self._progress.start()

    def stop(self) -> None:
        """Leave the last state on the screen."""
        self._progress.stop()

    def show(self, event: run_pb2.RunEvent) -> None:
        """Move the bar of the event's step, or print what belongs to no bar above them."""
        if event.type == "LOG":
            self._progress.console.print(cell(f"{event.step_id}  {event.message}"))
        if event.step_id:
            self._move(event)

    def lost(self, attempt: int) -> None:
        """Print the attempt above the bars."""
        self._progress.console.print(f"connection lost, attempt {attempt} to go on")

    def _move(self, event: run_pb2.RunEvent) -> None:
        task = self._task(event.step_id)
        if event.HasField("progress"):
            self._progress.update(task, amount=_amount(event.progress))
        if event.type == "STEP_FINISHED":
            name = cell(f"{event.step_id} ").append_text(status(event.status))
            self._progress.update(task, description=name.plain, total=1, completed=1)

    def _task(self, step_id: str) -> TaskID:
        if step_id not in self._tasks:
            self._tasks[step_id] = self._progress.add_task(printable(step_id), total=None, amount="")
        return self._tasks[step_id]


def _amount(progress: run_pb2.Progress) -> str:
    counts = ((progress.rows, "rows"), (progress.pages, "pages"), (progress.bytes, "bytes"))
    return ", ".join(f"{count:,.0f} {unit}" for count, unit in counts if count)
