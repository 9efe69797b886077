"""Expectations as a step's `dq` or a schema file's `expectations` declare them, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from attrs import field, frozen
from attrs.validators import gt, min_len, optional

from workers.catalog.faults import Fault
from workers.catalog.structure import Names
from workers.model.quality import Check, Expectation, Severity
from workers.model.resolve import Path
from workers.model.table import Column, TableSchema

_TYPES: dict[str, type] = {"STRING": str, "INT64": int, "BOOL": bool}
_NUMBERS = frozenset({"INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC"})
_MOMENTS = frozenset({"DATE", "DATETIME", "TIMESTAMP"})


@frozen
class AcceptedFile:
    """`accepted_values`: all that a column may hold beside null."""

    column: str
    values: tuple[str | int | float | bool | None, ...] = field(validator=min_len(1))


@frozen
class RangeFile:
    """`range`: the least and the most that a column may hold."""

    column: str
    min: Decimal | None = None
    max: Decimal | None = None


@frozen
class RowCountFile:
    """`row_count`: how many rows there may be; `total` is an output of an earlier step, `step.name`, to be equal to."""

    min: Decimal | None = None
    max: Decimal | None = None
    total: str = ""


@frozen
class FreshnessFile:
    """`freshness`: how old the newest row may be when the run's day begins."""

    column: str
    max_age_hours: float = field(validator=gt(0))


@frozen
class ExpectationFile:
    """One entry: exactly one check, how severe it is, and its name."""

    name: str = ""
    severity: Severity = Severity.CRITICAL
    table: str = ""
    not_null: Names = None
    unique: Names = None
    accepted_values: AcceptedFile | None = None
    range: RangeFile | None = None
    row_count: RowCountFile | None = None
    freshness: FreshnessFile | None = None
    sql: str | None = field(default=None, validator=optional(min_len(1)))

    @property
    def checks(self) -> tuple[Check, ...]:
        """What it checks; one is right."""
        return tuple(check for check in Check if getattr(self, check.value) is not None)

    def expectation(self) -> Expectation:
        """Return what is meant; call after `shape_faults`."""
        check = self.checks[0]
        bounds = self.range or self.row_count
        return Expectation(
            name=self.name or _title(check, self),
            check=check,
            severity=self.severity,
            table=self.table,
            columns=_columns(self),
            values=self.accepted_values.values if self.accepted_values else (),  # type: ignore[arg-type]
            least=bounds.min if bounds else None,
            most=bounds.max if bounds else None,
            total=self.row_count.total if self.row_count else "",
            hours=self.freshness.max_age_hours if self.freshness else 0.0,
            sql_file=self.sql or "",
        )


def shape_faults(declared: Sequence[ExpectationFile], at: Path) -> Iterator[Fault]:
    """Yield what is wrong with entries by themselves."""
    for index, one in enumerate(declared):
        if len(one.checks) != 1:
            listed = ", ".join(check.value for check in Check)
            yield Fault((*at, index), f"an expectation has exactly one of {listed}")
        for place in ("range", "row_count"):
            bounds = getattr(one, place)
            if bounds is None:
                continue
            if bounds.min is None and bounds.max is None and not getattr(bounds, "total", ""):
                yield Fault((*at, index, place), "bounds nothing: give min or max")
            if bounds.min is not None and bounds.max is not None and bounds.min > bounds.max:
                yield Fault((*at, index, place), f"no number is between {bounds.min} and {bounds.max}")
        if one.sql is not None and not one.sql.endswith(".sql"):
            yield Fault((*at, index, "sql"), "must name a .sql file below configs/")


def column_faults(expected: Sequence[Expectation], tables: Sequence[TableSchema], at: Path) -> Iterator[Fault]:
    """Yield columns that none of the tables an entry may be about has, or that cannot be checked so."""
    for index, one in enumerate(expected):
        meant = [table for table in tables if one.table in {"", table.name}]
        for name in one.columns if meant else ():
            found = [column for table in meant if (column := table.column(name)) is not None]
            if not found:
                listed = ", ".join(sorted(table.name for table in meant))
                yield Fault((*at, index, one.check.value), f"there is no column {name[:80]!r} in {listed}")
            elif not any(_checkable(one, column) for column in found):
                said = f"{one.check.value} cannot be said of {name}, {found[0].mode} {found[0].type}"
                yield Fault((*at, index, one.check.value), said)


def _checkable(one: Expectation, column: Column) -> bool:
    single = column.mode != "REPEATED"
    match one.check:
        case Check.UNIQUE:
            return single and column.type != "JSON"
        case Check.ACCEPTED:
            kind = _TYPES.get(column.type)
            return single and kind is not None and all(type(value) is kind for value in one.values)
        case Check.RANGE:
            return single and column.type in _NUMBERS
        case Check.FRESHNESS:
            return single and column.type in _MOMENTS
        case _:
            return single


def _columns(declared: ExpectationFile) -> tuple[str, ...]:
    named = declared.not_null if declared.not_null is not None else declared.unique
    if named is not None:
        return (named,) if isinstance(named, str) else named
    return tuple(one.column for one in (declared.accepted_values, declared.range, declared.freshness) if one)


def _title(check: Check, declared: ExpectationFile) -> str:
    about = ", ".join(_columns(declared)) or declared.sql or ""
    return f"{check.value}({about})" if about else check.value
