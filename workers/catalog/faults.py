"""Explains what cattrs raised: one fault per bad value, with the path that leads to it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

import attrs
from attrs import frozen
from cattrs import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError

from workers.model.resolve import Path

_NAMED = re.compile(r"(?:Length of )?'(\w+)' ")


@frozen
class Fault:
    """What is wrong with one value; `key` says that the key itself is."""

    path: Path
    message: str
    key: bool = False


def faults(error: BaseException, path: Path = ()) -> Iterator[Fault]:
    """Yield what is wrong, with paths, from what structuring raised."""
    match error:
        case ClassValidationError():
            noted, others = error.group_exceptions()
            for inner, attribute in noted:
                yield from _attribute(inner, path, attribute.name)
            for inner in others:
                yield from _whole(inner, path, error.cl)
        case IterableValidationError():
            listed, others = error.group_exceptions()
            for inner, element in listed:
                yield from faults(inner, (*path, element.index))
            for inner in others:
                yield from faults(inner, path)
        case _:
            yield Fault(path, _said(error))


def _attribute(error: BaseException, path: Path, name: str) -> Iterator[Fault]:
    if isinstance(error, KeyError) and error.args == (name,):
        yield Fault(path, f"missing key {name!r}", key=True)
    else:
        yield from faults(error, (*path, name))


def _whole(error: BaseException, path: Path, cls: type) -> Iterator[Fault]:
    known = [attribute.name for attribute in attrs.fields(cls)] if attrs.has(cls) else []
    if isinstance(error, ForbiddenExtraKeysError):
        for name in sorted(error.extra_fields):
            yield Fault((*path, name), _unknown(name, known), key=True)
        return
    # the validators of attrs begin their message with the field's name
    named = _NAMED.match(_said(error))
    yield Fault((*path, named[1]) if named and named[1] in known else path, _said(error))


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"unknown key {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")


def _said(error: BaseException) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
