"""Processors by name: the ps_type `openai.usage` is the module `workers/processors/openai/usage.py`. No registry."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping

import attrs
from attrs import field, frozen

from workers.ports import Engine

_PS_TYPE = re.compile(r"[a-z][a-z0-9_]{0,62}(?:\.[a-z][a-z0-9_]{0,62}){1,3}\Z")


@frozen
class ProcessorsFile:
    """configs/system/processors.yml: other names for a ps_type."""

    aliases: Mapping[str, str] = field(factory=dict)


class Engines:
    """Loads engines when they are first asked for, and keeps them: an engine holds no state of a run."""

    def __init__(self, package: str, aliases: Mapping[str, str]) -> None:
        self._package = package
        self._aliases = aliases
        self._loaded: dict[str, Engine] = {}

    def find(self, ps_type: str) -> Engine:
        """Return the engine of a ps_type or of one of its aliases; raise ValueError saying why there is none."""
        name = self._aliases.get(ps_type, ps_type)
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> Engine:
        if not _PS_TYPE.match(name):
            raise ValueError(f"{name[:80]!r} is not a ps_type, which is written provider.processor")
        path = f"{self._package}.{name}"
        try:
            module = importlib.import_module(path)
        except ModuleNotFoundError as error:
            if error.name is not None and path.startswith(error.name):
                raise ValueError(f"there is no processor {name!r}") from None
            raise ValueError(f"the processor {name!r} needs a module that is not installed: {error.name}") from error
        except Exception as error:
            raise ValueError(f"the processor {name!r} cannot be imported: {error!r}") from error
        return _engine(name, getattr(module, "get_engine", None))


def _engine(name: str, make: object) -> Engine:
    if not callable(make):
        raise ValueError(f"the processor {name!r} has no get_engine()")  # noqa: TRY004 - one kind of error
    engine: Engine = make()
    config = getattr(engine, "Config", None)
    if not callable(getattr(engine, "execute", None)) or not (isinstance(config, type) and attrs.has(config)):
        raise ValueError(f"the engine of {name!r} needs execute() and an attrs class Config")
    return engine
