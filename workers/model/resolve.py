"""Substitution of `{name}` and `${name}` in what a YAML file says: one pass, values only, nothing evaluated.

`{{` and `}}` are literal braces, any other brace is an error, and what a variable holds is never scanned again.
A value that is exactly one placeholder keeps the variable's type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from attrs import frozen

from workers.model.pipeline import Pipeline
from workers.model.window import DateWindow

Path = tuple[str | int, ...]
Scalar = str | int | float | bool

BUILT_IN = ("org_slug", "run_id", "run_date", "provider", "domain", "pipeline_id", "date", "start_date", "end_date")

_TOKEN = re.compile(r"\{\{|\}\}|\$?\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|[{}]")


@frozen
class Misfit:
    """One value that cannot be resolved: where it stands below the spec, and why."""

    path: Path
    why: str


class ResolveError(ValueError):
    """All that could not be resolved, at once."""

    def __init__(self, misfits: tuple[Misfit, ...]) -> None:
        super().__init__("; ".join(f"{dotted(misfit.path)}: {misfit.why}" for misfit in misfits))
        self.misfits = misfits


def dotted(path: Path) -> str:
    """Render a path the way people write it: `steps[0].config.url`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def resolve(spec: Any, variables: Mapping[str, Any]) -> Any:
    """Return `spec` with its placeholders replaced; raise ResolveError naming every one that cannot be."""
    misfits: list[Misfit] = []
    resolved = _walk(spec, variables, (), misfits)
    if misfits:
        raise ResolveError(tuple(misfits))
    return resolved


def placeholders(text: str) -> Iterator[str]:
    """Yield the names a text refers to, in order; raise ValueError at a brace that belongs to none."""
    for token in _TOKEN.finditer(text):
        if token["name"]:
            yield token["name"]
        elif token[0] in {"{", "}"}:
            raise ValueError(_stray(token))


def whole(text: str) -> str | None:
    """Return the name when the text is exactly one placeholder."""
    token = _TOKEN.fullmatch(text)
    return token["name"] if token else None


def run_variables(
    pipeline: Pipeline, *, org: str, run_id: UUID, run_date: date, window: DateWindow, parameters: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return what the placeholders of a run stand for; a declared parameter that was not given stands for null.

    A pipeline's own variables may refer to everything but one another; raises ResolveError when they do.
    """
    known: dict[str, Any] = {parameter.name: None for parameter in pipeline.parameters}
    known |= parameters
    known |= {
        "org_slug": org,
        "run_id": str(run_id),
        "run_date": run_date.isoformat(),
        "provider": pipeline.provider,
        "domain": pipeline.domain,
        "pipeline_id": pipeline.pipeline_id(org),
        "date": window.last.isoformat(),
        "start_date": window.first.isoformat(),
        "end_date": window.last.isoformat(),
    }
    return known | dict(resolve(dict(pipeline.variables), known))


def _walk(spec: Any, variables: Mapping[str, Any], path: Path, misfits: list[Misfit]) -> Any:
    match spec:
        case str():
            return _text(spec, variables, path, misfits)
        case Mapping():
            return {key: _walk(value, variables, (*path, key), misfits) for key, value in spec.items()}
        case list() | tuple():
            return [_walk(value, variables, (*path, index), misfits) for index, value in enumerate(spec)]
        case _:
            return spec


def _text(text: str, variables: Mapping[str, Any], path: Path, misfits: list[Misfit]) -> Any:
    try:
        name = whole(text)
        return _value(name, variables) if name else _TOKEN.sub(lambda token: _piece(token, variables), text)
    except ValueError as error:
        misfits.append(Misfit(path, str(error)))
        return text


def _piece(token: re.Match[str], variables: Mapping[str, Any]) -> str:
    if not token["name"]:
        if len(token[0]) == 1:
            raise ValueError(_stray(token))
        return token[0][0]
    match _value(token["name"], variables):
        case bool() as value:
            return "true" if value else "false"
        case str() | int() | float() as value:
            return str(value)
        case None:
            raise ValueError(f"{token['name']!r} has no value and cannot be part of a text")
        case _:
            raise ValueError(f"{token['name']!r} is a list and cannot be part of a text")


def _value(name: str, variables: Mapping[str, Any]) -> Any:
    if name not in variables:
        raise ValueError(f"there is no variable {name!r}")
    return variables[name]


def _stray(token: re.Match[str]) -> str:
    return f"stray {token[0]!r} at character {token.start() + 1}; write {token[0] * 2!r} for a literal brace"
