"""What a pipeline's file says about its parameters and variables, checked; and sample values to try its steps with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from workers.catalog.declarations import ParameterFile
from workers.catalog.faults import Fault
from workers.model.days import declared_day
from workers.model.parameter_value import type_value
from workers.model.parameters import DAYS, RESERVED
from workers.model.pattern import pattern_fault
from workers.model.pipeline import Parameter, ParameterType, Pipeline
from workers.model.resolve import BUILT_IN, run_variables
from workers.model.window import DateWindow

SAMPLE_ORG = "acme"
SAMPLE_DAY = date(2025, 1, 31)

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")
_SAMPLES: dict[ParameterType, Any] = {
    ParameterType.STRING: "sample",
    ParameterType.DATE: SAMPLE_DAY.isoformat(),
    ParameterType.INT: 1,
    ParameterType.BOOL: True,
}


def declared_parameter(name: str, declared: ParameterFile) -> Parameter:
    """Return the parameter as the model knows it."""
    return Parameter(
        name,
        declared.type,
        declared.required,
        declared.default,
        declared.values,
        declared.description,
        declared.pattern,
    )


def parameter_faults(parameters: Mapping[str, ParameterFile]) -> Iterator[Fault]:
    """Yield what is wrong with declared parameters."""
    for name, declared in parameters.items():
        at = ("parameters", name)
        if not _NAME.match(name):
            yield Fault(at, f"{name[:80]!r} is not a name: lower case letters, digits and underscores", key=True)
        elif name in DAYS and declared.type is not ParameterType.DATE:
            yield Fault((*at, "type"), f"{name} is a date")
        elif name not in DAYS and (name in RESERVED or name in BUILT_IN):
            yield Fault(at, f"{name} is there for every pipeline and cannot be declared", key=True)
        if (declared.type is ParameterType.ENUM) is not bool(declared.values):
            yield Fault((*at, "values"), "values go with type enum, and an enum needs them")
        elif declared.pattern and (said := _pattern_fault(declared)):
            yield Fault((*at, "pattern"), said)
        elif declared.default is not None:
            yield from _default_faults(declared_parameter(name, declared), (*at, "default"))


def _pattern_fault(declared: ParameterFile) -> str:
    return pattern_fault(declared.pattern) if declared.type is ParameterType.STRING else "pattern goes with type string"


def _default_faults(parameter: Parameter, at: tuple[str, ...]) -> Iterator[Fault]:
    try:
        if parameter.type is ParameterType.DATE and isinstance(parameter.default, str):
            declared_day(parameter.default, SAMPLE_DAY)
        else:
            type_value(parameter, parameter.default)
    except ValueError as error:
        yield Fault(at, f"the default {error}")


def variable_faults(variables: Mapping[str, Any], parameters: Mapping[str, ParameterFile]) -> Iterator[Fault]:
    """Yield what is wrong with declared variables."""
    for name, value in variables.items():
        at = ("variables", name)
        if not _NAME.match(name):
            yield Fault(at, f"{name[:80]!r} is not a name: lower case letters, digits and underscores", key=True)
        if name in BUILT_IN or name in RESERVED or name in parameters:
            yield Fault(at, f"{name} stands for something else already", key=True)
        if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict | list) for one in value)):
            yield Fault(at, "a variable is one value or a list of them")


def sample_variables(pipeline: Pipeline) -> Mapping[str, Any]:
    """Return values like those of a run that gives only what it must; raises ResolveError as `run_variables` does."""
    given = {one.name: _sample(one) for one in pipeline.parameters if one.required or one.default is not None}
    return run_variables(
        pipeline,
        org=SAMPLE_ORG,
        run_id=UUID(int=0),
        run_date=SAMPLE_DAY,
        window=DateWindow(SAMPLE_DAY, SAMPLE_DAY),
        parameters=given,
    )


def free_texts(pipeline: Pipeline) -> frozenset[str]:
    """Return the parameters whose text only a caller knows: a sample proves nothing about them."""
    return frozenset(
        one.name for one in pipeline.parameters if one.type is ParameterType.STRING and one.default is None
    )


def _sample(parameter: Parameter) -> Any:
    if parameter.type is ParameterType.DATE and parameter.default is not None:
        return declared_day(parameter.default, SAMPLE_DAY).isoformat()
    if parameter.default is not None:
        return parameter.default
    return parameter.values[0] if parameter.type is ParameterType.ENUM else _SAMPLES[parameter.type]
