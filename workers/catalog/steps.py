"""Steps of a pipeline: names, order and places, from what is written to what the runner follows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from workers.catalog.declarations import DestinationFile, StepFile
from workers.catalog.expectations import shape_faults
from workers.catalog.faults import Fault, faults
from workers.catalog.structure import structure
from workers.model.pipeline import Destination, Step, StepRetry

_STEP_ID = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}\Z")
_PLACES = ("source", "destination")
NOTIFYING = "notify_systems."


def read_steps(declared: Sequence[StepFile]) -> tuple[Step, ...]:
    """Return the steps with nothing implied: an absent `depends_on` is the step before, of those without trigger.

    Call after `step_faults`.
    """
    steps: list[Step] = []
    for one in declared:
        before = next(((step.step_id,) for step in reversed(steps) if not step.trigger), ())
        steps.append(_step(one, before))
    return tuple(steps)


def _trigger(declared: StepFile) -> str:
    """Return what a step runs on, which for one that notifies is the end of the run where nothing is said."""
    notifies = (declared.ps_type or declared.processor or "").startswith(NOTIFYING)
    return declared.trigger or ("always" if notifies else "")


def _step(declared: StepFile, before: tuple[str, ...]) -> Step:
    depends = declared.depends_on
    inside = declared.config
    target = declared.destination or _inner_destination(inside)
    return Step(
        step_id=declared.step_id or declared.step or "",
        ps_type=declared.ps_type or declared.processor or "",
        name=declared.name,
        depends_on=before if depends is None else (depends,) if isinstance(depends, str) else depends,
        timeout_minutes=declared.timeout_minutes,
        retry=StepRetry(declared.retry.max_attempts, declared.retry.backoff_seconds),
        on_failure=declared.on_failure,
        enabled=declared.enabled,
        trigger=_trigger(declared),
        config={key: value for key, value in inside.items() if key not in _PLACES},
        source=declared.source or inside.get("source") or {},
        destination=Destination(**attrs.asdict(target, recurse=False)) if target else None,
        dq=tuple(one.expectation() for one in declared.dq),
    )


def _inner_destination(config: Mapping[str, Any]) -> DestinationFile | None:
    inner = config.get("destination")
    return None if inner is None else structure(inner, DestinationFile)


def step_faults(declared: Sequence[StepFile]) -> Iterator[Fault]:
    """Yield what is wrong with names and places of steps, by their paths in the file."""
    seen: set[str] = set()
    for index, one in enumerate(declared):
        yield from _name_faults(one, ("steps", index), seen)
        yield from _place_faults(one, ("steps", index))
        yield from shape_faults(one.dq, ("steps", index, "dq"))


def _name_faults(declared: StepFile, at: tuple[str | int, ...], seen: set[str]) -> Iterator[Fault]:
    for first, second in (("step_id", "step"), ("ps_type", "processor")):
        names = [name for name in (getattr(declared, first), getattr(declared, second)) if name is not None]
        if not names:
            yield Fault(at, f"missing key {first!r}", key=True)
        if len(names) > 1:
            yield Fault((*at, second), f"{first} and {second} are two spellings of one key; write one", key=True)
    name = declared.step_id or declared.step or ""
    spelling = "step_id" if declared.step_id is not None else "step"
    if name and not _STEP_ID.match(name):
        yield Fault((*at, spelling), f"{name[:80]!r} is not a step id: lower case letters, digits, _ and -")
    if name in seen:
        yield Fault((*at, spelling), f"another step is called {name!r} already")
    seen.add(name)


def _place_faults(declared: StepFile, at: tuple[str | int, ...]) -> Iterator[Fault]:
    for place in _PLACES:
        if declared.config.get(place) is not None and getattr(declared, place) is not None:
            yield Fault((*at, "config", place), f"{place} is given in the step and in its config", key=True)
    source = declared.config.get("source")
    if source is not None and not isinstance(source, Mapping):
        yield Fault((*at, "config", "source"), "must be a mapping")
    yield from _destination_faults(declared, at)


def _destination_faults(declared: StepFile, at: tuple[str | int, ...]) -> Iterator[Fault]:
    inside = declared.destination is None
    at = (*at, "config", "destination") if inside else (*at, "destination")
    try:
        target = declared.destination or _inner_destination(declared.config)
    except Exception as error:  # noqa: BLE001 - cattrs lets through whatever a validator raises
        yield from faults(error, at)
        return
    if target is not None and target.write_mode == "merge" and not target.key_fields:
        yield Fault(at, "write_mode merge needs key_fields", key=True)


def order_faults(steps: Sequence[Step]) -> Iterator[Fault]:
    """Yield dependencies that cannot be met: unknown, the step itself, twice the same, or round in a circle."""
    known = {step.step_id for step in steps}
    closing = {step.step_id for step in steps if step.trigger}
    for index, step in enumerate(steps):
        at = ("steps", index, "depends_on")
        for name in step.depends_on:
            if name == step.step_id:
                yield Fault(at, "a step cannot depend on itself")
            elif name not in known:
                yield Fault(at, f"there is no step {name[:80]!r}")
            elif name in closing and not step.trigger:
                yield Fault(at, f"the step {name!r} has a trigger, so it runs at the end, after this one")
        if len(set(step.depends_on)) < len(step.depends_on):
            yield Fault(at, "a step is named twice")
    yield from _circle(steps)


def _circle(steps: Sequence[Step]) -> Iterator[Fault]:
    waiting = {step.step_id: set(step.depends_on) - {step.step_id} for step in steps}
    while free := [name for name, needs in waiting.items() if not needs & waiting.keys()]:
        for name in free:
            del waiting[name]
    for index, step in enumerate(steps):
        if step.step_id in waiting:
            others = ", ".join(sorted(waiting))
            yield Fault(("steps", index, "depends_on"), f"depends on itself through others: {others}")
            return
