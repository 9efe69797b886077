"""Strict YAML: bytes of a file in, plain values with the place of each out.

Refused: anchors, aliases, tags, duplicate keys, tabs, a byte order mark, anything but UTF-8, more than 256 KiB or 32
levels. Only true, false, null, plain integers and plain decimals are typed; `no`, `017` and `12:30:45` stay texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml
from attrs import field, frozen

from workers.catalog.problems import Findings, Problem
from workers.model.resolve import Path

MOST_BYTES = 256 * 1024
MOST_LEVELS = 32

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}\Z", re.ASCII)
_LONGEST_INTEGER = 18  # always within 64 bits
_WORDS = {"true": True, "false": False, "null": None, "": None}


@frozen
class Position:
    """Where something stands, counted from 1."""

    line: int
    column: int


@frozen
class Document:
    """A file as read: its values, the positions of keys and values by their paths, and how typed ones were written."""

    file: str
    text: str
    data: dict[str, Any]
    keys: dict[Path, Position] = field(factory=dict, repr=False)
    values: dict[Path, Position] = field(factory=dict, repr=False)
    written: dict[Path, str] = field(factory=dict, repr=False)

    def problem(self, message: str, *path: str | int, key: bool = False) -> Problem:
        """Name a problem at the value at `path` (its key with `key`), or at the nearest thing around it."""
        places = self.keys if key else self.values
        for end in range(len(path), -1, -1):
            place = places.get(path[:end]) or self.values.get(path[:end])
            if place is not None:
                return Problem(self.file, place.line, place.column, message)
        return Problem(self.file, 0, 0, message)


def read_document(file: str, content: bytes, findings: Findings, *, most_bytes: int = MOST_BYTES) -> Document | None:
    """Read one file; None when it cannot be used, and then `findings` says why."""
    before = len(findings.problems)
    text = _decode(file, content, findings, most_bytes)
    if text is None:
        return None
    builder = _Builder(file, text, findings)
    document = builder.document()
    return document if len(findings.problems) == before else None


def _decode(file: str, content: bytes, findings: Findings, most_bytes: int) -> str | None:
    why = ""
    if len(content) > most_bytes:
        why = f"is larger than {most_bytes // 1024} KiB"
    elif content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        why = "starts with a byte order mark; save it as plain UTF-8"
    elif b"\x00" in content:
        why = "holds NUL bytes; save it as plain UTF-8"
    if why:
        findings.problems.append(Problem(file, 1, 1, f"the file {why}"))
        return None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        findings.problems.append(Problem(file, line, 1, "not valid UTF-8"))
        return None
    for number, line_text in enumerate(text.split("\n"), 1):
        if "\t" in line_text:
            findings.problems.append(Problem(file, number, line_text.index("\t") + 1, "tab character; use spaces"))
    return text


class _StopError(Exception):
    """The rest of the file is not worth reading."""


class _Builder:
    """Builds values from parser events: nothing is expanded, so nothing can explode."""

    def __init__(self, file: str, text: str, findings: Findings) -> None:
        self._findings = findings
        self._document = Document(file, text, {})
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))

    def document(self) -> Document | None:
        """Read all events; None when the parser stopped."""
        try:
            return self._read()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._complain(mark, error.problem or "not valid YAML")
        except yaml.YAMLError:
            self._complain(None, "the file holds a character that YAML does not allow")
        except _StopError:
            pass
        return None

    def _read(self) -> Document | None:
        top: Any = None
        documents = 0
        for event in self._events:
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1:
                self._complain(event.start_mark, "a second document; one per file")
                return None
            if isinstance(event, yaml.NodeEvent):
                top = self._node(event, ())
        if not isinstance(top, dict):
            self._complain(None, "the file must be a mapping of keys to values")
            return None
        self._document.data.update(top)
        return self._document

    def _node(self, event: Any, path: Path) -> Any:
        self._document.values[path] = _position(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            return self._complain(event.start_mark, "aliases are not allowed; write the value out")
        if event.anchor is not None:
            self._complain(event.start_mark, "anchors are not allowed; write the value out")
        if event.tag is not None:
            self._complain(event.start_mark, f"tags are not allowed: {event.tag[:60]}")
        if len(path) > MOST_LEVELS:
            self._complain(event.start_mark, f"nested deeper than {MOST_LEVELS} levels")
            raise _StopError
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event, path)

    def _mapping(self, path: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                self._complain(event.start_mark, "a key must be a plain text")
                raise _StopError
            at = (*path, event.value)
            if event.value in built:
                self._complain(event.start_mark, f"duplicate key {event.value!r}")
            if event.anchor is not None or event.tag is not None:
                self._complain(event.start_mark, "anchors and tags are not allowed")
            self._document.keys[at] = _position(event.start_mark)
            built[event.value] = self._node(next(self._events), at)
        return built

    def _sequence(self, path: Path) -> list[Any]:
        built: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            built.append(self._node(event, (*path, len(built))))
        return built

    def _scalar(self, event: Any, path: Path) -> Any:
        text: str = event.value
        value = text if event.style else _plain(text)
        if value is not text:
            self._document.written[path] = text
        if value == math.inf:
            self._complain(event.start_mark, "the number is too large; quote it if it is a text")
        return value

    def _complain(self, mark: Any, message: str) -> None:
        place = _position(mark) if mark is not None else Position(1, 1)
        self._findings.problems.append(Problem(self._document.file, place.line, place.column, message))


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text) if len(text) <= _LONGEST_INTEGER else math.inf
    return float(text) if _DECIMAL.match(text) else text


def _position(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1)
