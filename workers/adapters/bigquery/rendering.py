"""Statements from the .sql files they stand in: blanks filled once, nothing re-read. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_BLANK = re.compile(r"\{([a-z_]+)\}")
_DATASETS = re.compile(r"\{(dataset|central)\}")
_PART = re.compile(r"^-- name: *(\S+)[ \t]*\n", re.MULTILINE)

STATEMENTS = ("promote", "publication", "append", "upsert", "merge", "parts", "quality", "routines")


def fill(template: str, **blanks: str) -> str:
    """Fill every {blank}; KeyError when one has no value."""
    return _BLANK.sub(lambda match: blanks[match[1]], template)


def bind(sql: str, datasets: Mapping[str, str]) -> str:
    """Put the paths of `dataset` and `central` into a SELECT and take its last semicolon off; other braces stay."""
    return _DATASETS.sub(lambda match: datasets[match[1]], sql).rstrip().removesuffix(";")


def fill_known(template: str, blanks: Mapping[str, str]) -> str:
    """Fill the {blanks} that are known; other braces stay."""
    return _BLANK.sub(lambda match: blanks.get(match[1], match[0]), template)


def parts(text: str) -> dict[str, str]:
    """Read a file of named clauses: `-- name: x` and then its text."""
    _, *pieces = _PART.split(text)
    return {name: body.strip() for name, body in zip(pieces[::2], pieces[1::2], strict=True)}
