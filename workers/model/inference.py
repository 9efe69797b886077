"""Columns from rows: what type a field needs to hold every value that it was seen with. Pure.

Texts stay texts: what looks like a day today may be "n/a" tomorrow, and a table changes its types with pain only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from attrs import evolve

from workers.model.conversion import is_convertible
from workers.model.fields import EXTRACTED_AT, LINEAGE, RAW, RAW_DATA, Contract, column_name
from workers.model.table import Column, TableSchema

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_NUMERIC_PLACES, _NUMERIC_DIGITS = 9, 29
MOST_COLUMNS = 1000


class InferenceError(ValueError):
    """Rows that no table can be made of."""


def infer_columns(
    rows: Iterable[Mapping[str, Any]], names: Iterable[str], types: Mapping[str, str] | None = None
) -> tuple[Column, ...]:
    """Return columns for fields, in the order of `names`; a field without any value gets none yet.

    `types` says what a field is to be instead. Raises InferenceError for two fields that would share a column.
    """
    seen: dict[str, set[str]] = {name: set() for name in names}
    for row in rows:
        for name, value in row.items():
            if value is not None and name in seen:
                seen[name].add(_kind(value))
    given = types or {}
    columns: dict[str, Column] = {}
    for name, kinds in seen.items():
        if not kinds:
            continue
        column = Column(column_name(name), given.get(name) or _type(kinds))
        if column.name.lower() in columns:
            raise InferenceError(f"two fields are called {column.name}; case does not count")
        columns[column.name.lower()] = column
    return tuple(columns.values())


def inferred_table(name: str, columns: tuple[Column, ...], contract: Contract) -> TableSchema:
    """Return a table of inferred columns, with what every extract has beside them."""
    if len(columns) > MOST_COLUMNS:
        raise InferenceError(f"rows have more than {MOST_COLUMNS} fields; declare a schema_file")
    beside = [
        Column(EXTRACTED_AT, "TIMESTAMP", description="When the row was read"),
        Column(RAW_DATA, "JSON", description="The row as it came"),
    ]
    if contract is Contract.RAW:
        beside.append(Column(RAW, "JSON", description="Fields that have no column"))
    return TableSchema(name, (*columns, *beside, *LINEAGE), description="Made from the first rows that were read")


def merged(declared: TableSchema, existing: TableSchema | None) -> TableSchema:
    """Return a declared table with the columns that earlier runs have added to it."""
    if existing is None:
        return declared
    known = {column.name.lower() for column in declared.columns}
    more = tuple(one for one in existing.columns if one.name.lower() not in known and is_convertible(one))
    return evolve(declared, columns=(*declared.columns, *more))


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "BOOL"
        case int():
            return "INT64" if _SMALLEST <= value <= _LARGEST else "BIGNUMERIC"
        case Decimal():
            return _fraction(value)
        case Mapping() | list():
            return "JSON"
        case _:
            return "STRING"


def _fraction(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    return "NUMERIC" if places <= _NUMERIC_PLACES and value.adjusted() < _NUMERIC_DIGITS else "BIGNUMERIC"


def _type(kinds: set[str]) -> str:
    """Return the narrowest type that holds all kinds exactly: numbers widen, objects are JSON, else it is text."""
    if len(kinds) == 1:
        return next(iter(kinds))
    if "JSON" in kinds:
        return "JSON"
    if kinds <= {"INT64", "NUMERIC"}:
        return "NUMERIC"
    return "BIGNUMERIC" if kinds <= {"INT64", "NUMERIC", "BIGNUMERIC"} else "STRING"
