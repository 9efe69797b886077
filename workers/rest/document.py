"""Strict JSON: bytes in; exact values, the rows and the digest out. Nothing ambiguous is let through."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any, NoReturn

from attrs import frozen

from workers.rest.expressions import ABSENT, ExpressionError, expression

_DIGITS = 1000
_EXPONENT = 400

Pairs = list[tuple[str, Any]]


class DocumentError(ValueError):
    """What is wrong with a document, in words that quote nothing of it."""


@frozen
class Document:
    """A page as parsed: the whole value, the rows in it, and the SHA-256 and size of its bytes."""

    value: Any
    rows: tuple[Mapping[str, Any], ...]
    sha256: str
    bytes: int


def read_document(body: bytes | bytearray, data_path: str, *, single_object: bool = False) -> Document:
    """Parse a page and find its rows; a bytearray is emptied on the way. Raises DocumentError."""
    digest, size = sha256(body).hexdigest(), len(body)
    value = parse(body)
    return Document(value, found_rows(value, data_path, single_object=single_object), digest, size)


def found_rows(value: Any, data_path: str, *, single_object: bool) -> tuple[Mapping[str, Any], ...]:
    """Return the rows at a path, or the one row that stands there. Raises DocumentError naming the path."""
    return (object_at(value, data_path),) if single_object else rows_at(value, data_path)


def parse(body: bytes | bytearray) -> Any:
    """Parse UTF-8 JSON; fractions become Decimal, integers stay exact.

    Raises DocumentError for invalid UTF-8, duplicate keys, NaN and Infinity, lone surrogates, numbers out of any
    useful range and nesting too deep.
    """
    with explained():
        text = body.decode()
        if isinstance(body, bytearray):
            body.clear()  # the text is as long once more
        return decoder_for(text).decode(text)


@contextmanager
def explained() -> Iterator[None]:
    """Say of whatever parsing raises what is wrong with the document, as DocumentError."""
    try:
        yield
    except DocumentError:
        raise
    except UnicodeError:
        reason = "is not valid UTF-8"
    except RecursionError:
        reason = "is nested too deeply"
    except json.JSONDecodeError as error:
        reason = f"is not JSON: {error.msg} at character {error.pos}"
    except (ValueError, InvalidOperation):
        reason = "holds a number that is out of range"
    else:
        return
    raise DocumentError(reason)


def decoder_for(text: str) -> json.JSONDecoder:
    """Return what parses a text strictly, with no more care for surrogates than it needs."""
    # One character is found many times faster than two, and most pages escape nothing.
    return _CAREFUL if "\\" in text and ("\\ud" in text or "\\uD" in text) else _PLAIN


def at(value: Any, path: str) -> Any:
    """Return what stands at a place (see `expressions`), ABSENT when nothing does. Raises DocumentError."""
    try:
        return expression(path)(value)
    except ExpressionError as error:
        raise DocumentError(f"{path!r} {error}") from None


def rows_at(value: Any, path: str) -> tuple[Mapping[str, Any], ...]:
    """Return the list of objects at a path. Raises DocumentError naming the path."""
    rows = at(value, path)
    where = f"at {path!r}" if path else "at the top"
    if rows is ABSENT:
        raise DocumentError(f"has nothing {where}")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DocumentError(f"has no list of objects {where}")
    return tuple(rows)


def object_at(value: Any, path: str) -> Mapping[str, Any]:
    """Return the object at a path. Raises DocumentError naming the path."""
    found = at(value, path)
    if not isinstance(found, dict):
        raise DocumentError(f"has no object {f'at {path!r}' if path else 'at the top'}")
    return found


def _members(pairs: Pairs) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DocumentError("has an object with a duplicate key")
    return members


def encodable_members(pairs: Pairs) -> dict[str, Any]:
    """Make an object of members that are unique and can be written in UTF-8."""
    for key, value in pairs:
        key.encode()
        _encodable(value)
    return _members(pairs)


def _encodable(value: Any) -> None:
    # A lone surrogate cannot be written anywhere; objects inside were checked when they were made.
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, list):
        for item in value:
            _encodable(item)


def _exact(text: str) -> Decimal:
    number = Decimal(text)
    if len(text) > _DIGITS or not -_EXPONENT <= number.adjusted() <= _EXPONENT:
        raise DocumentError("holds a number that is out of range")
    return number


def _constant(_text: str) -> NoReturn:
    raise DocumentError("holds NaN or Infinity, which JSON does not have")


# Hooks written in Python also let other threads run between two objects; the C parser alone would not.
_PLAIN = json.JSONDecoder(object_pairs_hook=_members, parse_float=_exact, parse_constant=_constant)
_CAREFUL = json.JSONDecoder(object_pairs_hook=encodable_members, parse_float=_exact, parse_constant=_constant)
