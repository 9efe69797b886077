"""Parameters of a run: from what a caller sent, untyped, to typed values and the days the run is for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from attrs import frozen

from workers.model.days import DaysError, choose_window, declared_day, parse_day
from workers.model.failure import Code, FailedError, Failure, Reason, Violation
from workers.model.parameter_value import type_value
from workers.model.pipeline import Parameter, ParameterType, Pipeline
from workers.model.window import DateWindow

RESERVED = {
    "trigger_by": Parameter("trigger_by"),
    "date": Parameter("date", ParameterType.DATE),
    "start_date": Parameter("start_date", ParameterType.DATE),
    "end_date": Parameter("end_date", ParameterType.DATE),
    "force_refresh": Parameter("force_refresh", ParameterType.BOOL),
}
DAYS = frozenset({"date", "start_date", "end_date"})

MOST_PARAMETERS = 64
MOST_BYTES = 8 * 1024


@frozen
class Inputs:
    """What a run is started with.

    `parameters` are typed and JSON-ready (days as text), hold the days of the window and the declared defaults, and
    give the same Inputs when they are typed again on a later day. `run_date` is the last day of the window.
    """

    parameters: Mapping[str, Any]
    window: DateWindow
    run_date: date
    trigger_by: str = ""
    force_refresh: bool = False


def type_parameters(pipeline: Pipeline, raw: Mapping[str, Any], today: date) -> Inputs:
    """Type what a caller sent; raise FailedError(PARAMETERS_INVALID) with every violation at once.

    `today` is the current UTC day. Without any day the run is for the days the pipeline declares, else for the last
    complete one, yesterday. A null stands for a parameter that is not given.
    """
    _refuse(_oversize(raw))
    violations: list[Violation] = []
    given = _typed(pipeline, raw, violations)
    default = _defaults(pipeline, today)
    window = _window(pipeline, given, default, today, violations)
    _refuse(violations)
    shown = {name: value for name, value in {**default, **given}.items() if name not in DAYS}
    return Inputs(
        parameters={**shown, **_days(given, window)},
        window=window,
        run_date=window.last,
        trigger_by=given.get("trigger_by", ""),
        force_refresh=given.get("force_refresh", False),
    )


def on_day(pipeline: Pipeline, raw: Mapping[str, Any], day: date) -> Mapping[str, Any]:
    """Return what is to be typed with relative days made days of the calendar, as seen on `day`.

    They are those that a declaration may name: today, today-N, yesterday, month_start. Anything else stays as it is.
    """
    known = {parameter.name: parameter for parameter in pipeline.parameters} | RESERVED
    days = {name for name, value in raw.items() if name in known and isinstance(value, str)}
    return {
        name: _day(value, day) if name in days and known[name].type is ParameterType.DATE else value
        for name, value in raw.items()
    }


def _day(text: str, day: date) -> str:
    try:
        return declared_day(text, day).isoformat()
    except ValueError:
        return text


def _typed(pipeline: Pipeline, raw: Mapping[str, Any], violations: list[Violation]) -> dict[str, Any]:
    known = {parameter.name: parameter for parameter in pipeline.parameters} | RESERVED
    typed: dict[str, Any] = {}
    for name, value in raw.items():
        parameter = known.get(name)
        if parameter is None:
            violations.append(Violation(_shown(name), "is not a parameter of this pipeline"))
        elif value is not None:
            try:
                typed[name] = type_value(parameter, value)
            except ValueError as error:
                violations.append(Violation(name, str(error)))
    needed = {one.name for one in pipeline.parameters if one.required and one.default is None}
    missing = sorted(needed - typed.keys() - _names(violations))
    violations += [Violation(name, "is required") for name in missing]
    return typed


def _defaults(pipeline: Pipeline, today: date) -> Mapping[str, Any]:
    declared = {one.name: one for one in pipeline.parameters if one.default is not None}
    return {
        name: declared_day(one.default, today).isoformat() if one.type is ParameterType.DATE else one.default
        for name, one in declared.items()
    }


def _window(
    pipeline: Pipeline,
    given: Mapping[str, Any],
    default: Mapping[str, Any],
    today: date,
    violations: list[Violation],
) -> DateWindow:
    """Return the days of the run; any days when something is wrong with them, for then the call is refused."""
    wanted = _parsed(given)
    violations += [Violation(name, f"is after today, {today} UTC") for name, day in wanted.items() if day > today]
    if _names(violations) & DAYS:
        return DateWindow(today, today)
    try:
        window = choose_window(wanted, _parsed(default), today)
    except DaysError as error:
        violations.append(Violation(error.parameter, str(error)))
        return DateWindow(today, today)
    if len(window) > pipeline.max_days:
        blamed = "end_date" if "end_date" in wanted else "start_date"
        violations.append(Violation(blamed, f"makes a range of {len(window)} days, {pipeline.max_days} are allowed"))
    return window


def _parsed(values: Mapping[str, Any]) -> Mapping[str, date]:
    return {name: parse_day(values[name]) for name in sorted(DAYS & values.keys())}


def _days(given: Mapping[str, Any], window: DateWindow) -> Mapping[str, str]:
    if "date" in given:
        return {"date": window.last.isoformat()}
    return {"start_date": window.first.isoformat(), "end_date": window.last.isoformat()}


def _oversize(raw: Mapping[str, Any]) -> list[Violation]:
    if len(raw) > MOST_PARAMETERS:
        return [Violation("parameters", f"are {len(raw)}, {MOST_PARAMETERS} are allowed")]
    try:
        size = len(json.dumps(dict(raw), ensure_ascii=False, default=str).encode("utf-8", "surrogatepass"))
    except RecursionError:
        return [Violation("parameters", "are nested too deeply")]
    return [Violation("parameters", f"are more than {MOST_BYTES} bytes in all")] if size > MOST_BYTES else []


def _names(violations: list[Violation]) -> frozenset[str]:
    return frozenset(violation.field for violation in violations)


def _shown(name: str) -> str:
    return ascii(name[:64])[1:-1] or "(empty name)"


def _refuse(violations: list[Violation]) -> None:
    if not violations:
        return
    listed = "; ".join(f"{one.field} {one.description}" for one in violations)
    message = f"the parameters are not valid: {listed}"
    raise FailedError(Failure(Code.INVALID_ARGUMENT, Reason.PARAMETERS_INVALID, message, violations=tuple(violations)))
