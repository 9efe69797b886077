"""Tables as declared in schema files: the only place a column is named."""

from __future__ import annotations

import re

from attrs import frozen

from workers.model.quality import Expectation

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}\Z")


@frozen
class Column:
    """One column in BigQuery's words: `type` STRING, INT64, NUMERIC, …; `mode` NULLABLE, REQUIRED or REPEATED."""

    name: str
    type: str
    mode: str = "NULLABLE"
    description: str = ""


@frozen
class TableSchema:
    """A table: its columns, the DATE or TIMESTAMP column it is partitioned by per day, and its clustering.

    `expectations` are those that hold for whatever is published into it.
    """

    name: str
    columns: tuple[Column, ...]
    partition: str | None = None
    expiration_days: int | None = None
    clustering: tuple[str, ...] = ()
    description: str = ""
    expectations: tuple[Expectation, ...] = ()

    def column(self, name: str) -> Column | None:
        """Return the column of that name, if declared."""
        return next((column for column in self.columns if column.name == name), None)


def identifier(name: str) -> str:
    """Return `name` when it is a plain identifier; raise ValueError otherwise. Every name in SQL passes here."""
    if not IDENTIFIER.match(name):
        raise ValueError(f"{name!r} is not an identifier")
    return name
