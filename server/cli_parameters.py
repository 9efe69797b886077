"""What the caller types for a run: given a path and NAME=VALUE words, hands on the request's names and values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click
from attrs import frozen

_ORG_IN_PATH, _DOMAIN_IN_PATH, _NO_DOMAIN = 4, 3, 2


@frozen
class Target:
    """The pipeline of an organisation."""

    org: str
    provider: str
    domain: str
    pipeline: str


def target(path: str, org: str | None) -> Target:
    """Read PROVIDER/DOMAIN/PIPELINE, PROVIDER/PIPELINE or ORG/PROVIDER/DOMAIN/PIPELINE; UsageError otherwise."""
    parts = path.split("/")
    if len(parts) == _ORG_IN_PATH:
        if org and org != parts[0]:
            raise click.UsageError(f"the path names {parts[0]!r}, but --org or PIPELINES_ORG names {org!r}")
        org, *parts = parts
    if len(parts) == _NO_DOMAIN:
        parts.insert(1, "")
    if len(parts) != _DOMAIN_IN_PATH or not parts[0] or not parts[-1]:
        raise click.UsageError(f"{path!r} is not PROVIDER/DOMAIN/PIPELINE")
    if not org:
        raise click.UsageError("no organisation: give --org or set PIPELINES_ORG")
    return Target(org, *parts)


def parameters(words: Iterable[str]) -> dict[str, Any]:
    """Read NAME=TEXT as text and NAME:=JSON as the JSON value; UsageError names the word that is neither."""
    values: dict[str, Any] = {}
    for word in words:
        name, value = _parameter(word)
        if name in values:
            raise click.UsageError(f"parameter {name!r} is given twice")
        values[name] = value
    return values


def is_header_value(text: str) -> bool:
    """Whether the text may stand in a header: printable ASCII."""
    return text.isascii() and text.isprintable()


def _parameter(word: str) -> tuple[str, Any]:
    name, equals, text = word.partition("=")
    typed = name.endswith(":")
    name = name.removesuffix(":")
    if not equals or not name:
        raise click.UsageError(f"{word!r} is neither NAME=TEXT nor NAME:=JSON")
    return name, _json(name, text) if typed else text


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise click.UsageError(f"parameter {name!r}: {text!r} is not JSON (without the colon it is text)") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)
