"""Fields of an API's rows as columns of a table: which field goes where, and what becomes of the others. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from attrs import evolve, field, frozen

from workers.model.conversion import Convert, converter
from workers.model.table import Column, TableSchema

RAW_DATA, RAW, EXTRACTED_AT = "raw_data", "raw", "extracted_at"
LINEAGE = (
    Column("org_slug", "STRING", description="The organisation the row belongs to"),
    Column("run_id", "STRING", description="The run that wrote the row"),
    Column("ingested_at", "TIMESTAMP", description="When the row was published, UTC"),
    Column("source_hash", "STRING", description="SHA-256 of the page the row came from"),
)
# What this service fills in itself: a field of that name gets an underscore at its end.
RESERVED = frozenset({RAW_DATA, RAW, EXTRACTED_AT, *(column.name for column in LINEAGE)})

_NOT_IDENTIFIER = re.compile(r"[^A-Za-z0-9_]", re.ASCII)
_LONGEST = 255
_REMEMBERED = 1000


class Contract(StrEnum):
    """What becomes of a field that has no column."""

    EVOLVE = "evolve"
    FREEZE = "freeze"
    RAW = "raw"


class FieldError(ValueError):
    """A row that does not fit its table; `index` counts rows of the batch from 0."""

    def __init__(self, index: int, column: str, why: str) -> None:
        super().__init__(f"{column} {why}")
        self.index = index
        self.column = column
        self.why = why


def column_name(name: str) -> str:
    """Return the column a field is kept in: what no identifier may hold becomes an underscore."""
    plain = _NOT_IDENTIFIER.sub("_", name)[:_LONGEST] or "_"
    if plain[0].isdigit():
        plain = f"_{plain}"[:_LONGEST]
    return f"{plain}_" if plain.lower() in RESERVED else plain


def with_lineage(table: TableSchema) -> TableSchema:
    """Return the table with the columns that tell where a row comes from, where it does not declare them."""
    missing = tuple(column for column in LINEAGE if table.column(column.name) is None)
    return evolve(table, columns=(*table.columns, *missing))


@frozen
class Filled:
    """What is the same for every row of a page."""

    org: str
    extracted_at: Any
    source_hash: str


@frozen
class _Plan:
    """Where fields of rows with the same names go, and those that have no column."""

    places: tuple[tuple[str, str, Convert], ...]
    left: tuple[str, ...]


@frozen
class Fields:
    """Maps rows to one table. Fields in `ignored` are left out on purpose."""

    table: TableSchema
    contract: Contract
    keys: tuple[str, ...] = ()
    ignored: frozenset[str] = frozenset()
    _plans: dict[tuple[str, ...], _Plan] = field(init=False, factory=dict)
    _converters: dict[str, Convert] = field(init=False)
    _columns: dict[str, Column] = field(init=False)
    _fillings: tuple[Callable[[Mapping[str, Any], Filled], tuple[str, Any]], ...] = field(init=False)

    @_converters.default
    def _all_converters(self) -> dict[str, Convert]:
        return {column.name: converter(column) for column in self.table.columns}

    @_columns.default
    def _by_folded_name(self) -> dict[str, Column]:
        return {one.name.lower(): one for one in self.table.columns if one.name.lower() not in RESERVED}

    @_fillings.default
    def _for_reserved(self) -> tuple[Callable[[Mapping[str, Any], Filled], tuple[str, Any]], ...]:
        makers = {
            RAW_DATA: lambda row, _same: (RAW_DATA, row),
            EXTRACTED_AT: lambda _row, same: (EXTRACTED_AT, same.extracted_at),
            "org_slug": lambda _row, same: ("org_slug", same.org),
            "source_hash": lambda _row, same: ("source_hash", same.source_hash),
        }
        return tuple(make for name, make in makers.items() if self.table.column(name) is not None)

    def unknown(self, row: Mapping[str, Any]) -> list[str]:
        """Return the fields of a row that have no column."""
        left = self._plan(row).left
        return [name for name in left if row[name] is not None and name not in self.ignored]

    def rows(
        self, given: Sequence[Mapping[str, Any]], same: Filled, raw: Sequence[Mapping[str, Any]] | None = None
    ) -> list[dict[str, Any]]:
        """Return rows as the warehouse takes them; raises FieldError at the first that does not fit.

        `raw` are the rows as they came, where something was added to them.
        """
        pairs = zip(given, given if raw is None else raw, strict=True)
        return [self._row(index, row, came, same) for index, (row, came) in enumerate(pairs)]

    def _row(self, index: int, given: Mapping[str, Any], came: Mapping[str, Any], same: Filled) -> dict[str, Any]:
        plan = self._plan(given)
        row: dict[str, Any] = {}
        for name, column, convert in plan.places:
            if column in row:
                raise FieldError(index, column, "is meant by two fields of the row")
            try:
                row[column] = convert(given[name])
            except ValueError as error:
                raise FieldError(index, column, str(error)) from None
        for key in self.keys:
            if row.get(key) is None:
                raise FieldError(index, key, "is a key field and has no value")
        for fill in self._fillings:
            name, value = fill(came, same)
            row[name] = value
        return self._with_left(index, row, given, plan.left) if plan.left else row

    def _with_left(
        self, index: int, row: dict[str, Any], given: Mapping[str, Any], left: Iterable[str]
    ) -> dict[str, Any]:
        kept = {name: given[name] for name in left if given[name] is not None and name not in self.ignored}
        if not kept:
            return row
        if self.contract is Contract.RAW:
            if self.table.column(RAW) is not None:
                row[RAW] = kept
            return row
        name = min(kept)
        raise FieldError(index, repr(name[:80]), "is a field without a column, which the contract does not take")

    def _plan(self, row: Mapping[str, Any]) -> _Plan:
        """Return where the fields of a row go; rows of one API mostly have the same."""
        names = tuple(row)
        plan = self._plans.get(names)
        if plan is None:
            if len(self._plans) >= _REMEMBERED:
                self._plans.clear()
            plan = self._plans[names] = self._planned(names)
        return plan

    def _planned(self, names: tuple[str, ...]) -> _Plan:
        found = {name: self._columns.get(column_name(name).lower()) for name in names}
        places = ((name, one.name, self._converters[one.name]) for name, one in found.items() if one is not None)
        return _Plan(tuple(places), tuple(name for name, one in found.items() if one is None))
