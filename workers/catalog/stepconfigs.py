"""A step's `config` against the class its engine names: with sample values at the start, with real ones in a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from attrs import frozen

from workers.catalog.faults import Fault, faults
from workers.catalog.structure import structure
from workers.model.pipeline import Step
from workers.model.resolve import Path, ResolveError, placeholders, resolve
from workers.ports import Engine


@frozen
class Trial:
    """What trying a step gave: its faults, by paths below the step, and the texts its config ends up with."""

    faults: tuple[Fault, ...]
    texts: frozenset[str] = frozenset()


def engine_config(step: Step, engine: Engine, variables: Mapping[str, Any]) -> Any:
    """Make the engine's Config of a step; raises ResolveError, or what `structure` raises."""
    return structure(resolve(_config_of(step, engine), variables), engine.Config)


def try_step(step: Step, engine: Engine, variables: Mapping[str, Any], free: frozenset[str]) -> Trial:
    """Try a step with sample values; what depends on a `free` text, which only a caller knows, is not judged."""
    spec = _config_of(step, engine)
    try:
        resolved = resolve({**_places(step), **spec}, variables)
    except ResolveError as error:
        return Trial(tuple(Fault(("config", *one.path), one.why) for one in error.misfits))
    resolved = {key: resolved[key] for key in spec}
    try:
        config = structure(resolved, engine.Config)
    except Exception as error:  # noqa: BLE001 - cattrs lets through whatever a class's own validators raise
        wrong = [fault for fault in faults(error) if not _refers(_at(spec, fault.path), free)]
        return Trial(tuple(attrs.evolve(fault, path=("config", *fault.path)) for fault in wrong))
    return Trial((), frozenset(_texts(attrs.asdict(config))) - frozenset(_substituted(spec, resolved)))


def _config_of(step: Step, engine: Engine) -> Mapping[str, Any]:
    """Return the config as written, with the step's places where the engine's class asks for them."""
    wanted = {attribute.name for attribute in attrs.fields(engine.Config)}
    return {**step.config, **{place: value for place, value in _places(step).items() if place in wanted}}


def _places(step: Step) -> Mapping[str, Any]:
    places = {"source": step.source, "destination": step.destination and attrs.asdict(step.destination)}
    return {place: value for place, value in places.items() if value}


def _at(spec: Any, path: Path) -> Any:
    for part in path:
        try:
            spec = spec[part]
        except (KeyError, IndexError, TypeError):
            return spec
    return spec


def _refers(value: Any, names: frozenset[str]) -> bool:
    return any(not names.isdisjoint(placeholders(text)) for text in _texts(value))


def _substituted(spec: Any, resolved: Any) -> Iterator[str]:
    """Yield the resolved texts that differ from what is written."""
    match spec:
        case str() if spec != resolved and isinstance(resolved, str):
            yield resolved
        case Mapping():
            for key, inner in spec.items():
                yield from _substituted(inner, resolved[key])
        case list() | tuple():
            for inner, after in zip(spec, resolved, strict=True):
                yield from _substituted(inner, after)
        case _:
            return


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from _texts(inner)
        case list() | tuple():
            for inner in value:
                yield from _texts(inner)
        case _:
            return
