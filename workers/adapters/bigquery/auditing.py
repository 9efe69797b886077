"""The audit of rows before they are published: what it says in a script, and what it found.

Given what is expected of a table's rows; hands on a part of the script that publishes them. What is critical ends that
script before its transaction, so that the table stays as it was and the stage until it expires.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from attrs import field, frozen

from workers.adapters.bigquery.names import quoted
from workers.adapters.bigquery.rendering import bind, fill, fill_known, parts
from workers.adapters.bigquery.trouble import Kind, TroubleError
from workers.model.quality import Audited, Check, Expectation, refused_by
from workers.model.table import TableSchema
from workers.ports import Expected, Row


@frozen
class Audit:
    """What a script does before it publishes the rows for a table, and what its answer has to tell of that."""

    table: str = ""
    expectations: tuple[Expectation, ...] = ()
    number: int = 0
    sql: str = ""
    told: str = ""
    parameters: Row = field(factory=dict)

    def found(self, counts: Sequence[int]) -> Audited:
        """Return what was found, from the counts in the order of the expectations."""
        return Audited.of(self.table, self.expectations, counts)


NO_AUDIT = Audit()


@frozen
class Auditor:
    """Audits for one attempt of one step; `datasets` are what `{dataset}` and `{central}` stand for."""

    expected: Expected
    dataset: str
    datasets: Mapping[str, str]
    sql: str

    def of(self, table: TableSchema, rows: str, number: int = 0) -> Audit:
        """Return the audit of the temporary table `rows`, the `number`-th of its script."""
        meant = [*table.expectations, *(one for one in self.expected.expectations if one.table in {"", table.name})]
        if not meant:
            return NO_AUDIT
        clauses = parts(self.sql)
        checks = [_Written(clauses, one, rows, f"dp_dq_{number}_{index}") for index, one in enumerate(meant)]
        said = [self._said(check) for check in checks]
        numbered = [(str(index), one) for index, one in enumerate(meant)]
        critical = [fill(clauses["critical.count"], index=index) for index, one in numbered if one.critical]
        counted = [fill(clauses["count"], index=index) for index, _ in numbered]
        counts = fill(clauses["counts"], counts=f" {clauses['counts.between']} ".join(counted))
        sql = fill(
            clauses["audit"],
            n=str(number),
            rows=rows,
            checks=", ".join(
                fill(clauses["check"], counted=text, index=str(index)) for index, (text, _) in enumerate(said)
            ),
            critical=f" {clauses['plus']} ".join(critical) or clauses["critical.none"],
            counts=counts,
        )
        parameters = {name: value for _, values in said for name, value in values.items()}
        told = fill(clauses["told"], counts=counts, n=str(number))
        return Audit(table.name, tuple(meant), number, sql, told, parameters)

    async def hear(self, audits: Sequence[Audit], counts: Mapping[int, Sequence[int]]) -> None:
        """Tell what was found in rows that are published now."""
        for audit in audits:
            if audit.number in counts:
                await self.expected.heard(audit.found(counts[audit.number]))

    async def refuse(self, audits: Sequence[Audit], trouble: TroubleError) -> None:
        """Tell what was found in rows that are not published, and raise DATA_QUALITY_FAILED if that is why."""
        number, *counts = trouble.numbers or (-1,)
        for audit in audits:
            if trouble.kind is Kind.QUALITY and audit.number == number and len(counts) == len(audit.expectations):
                found = audit.found(counts)
                await self.expected.heard(found)
                raise refused_by(found, self.dataset) from None

    def _said(self, check: _Written) -> tuple[str, Row]:
        """Return a check as an expression, and its parameters."""
        match check.one.check:
            case Check.FRESHNESS:
                limit = _midnight(self.expected.day) - timedelta(hours=check.one.hours)
                return check.filled(value=check.name), {check.name: limit}
            case Check.ACCEPTED:
                return check.filled(value=check.name), {check.name: list(check.one.values)}
            case Check.RANGE:
                return check.bounded(lambda bound: bound)
            case Check.ROW_COUNT:
                return check.bounded(int)
            case Check.SQL:
                select = fill_known(bind(check.one.sql, self.datasets), {"rows": check.rows})
                return check.filled(select=select), {}
            case _:
                return check.filled(), {}


@frozen
class _Written:
    """One check with its clauses; `name` begins the names of its parameters."""

    clauses: Mapping[str, str]
    one: Expectation
    rows: str
    name: str

    def filled(self, **blanks: str) -> str:
        kind, columns = self.one.check.value, [quoted(name) for name in self.one.columns]
        nulls = f" {self.clauses['or']} ".join(fill(self.clauses["null"], column=name) for name in columns)
        known = {"rows": self.rows, "columns": ", ".join(columns), "column": "".join(columns[:1]), "nulls": nulls}
        return fill(self.clauses[kind], **known, **blanks)

    def bounded(self, typed: Callable[[Any], Any]) -> tuple[str, Row]:
        """Fill in a check with the bounds that it has."""
        bounds = dict(self._bounds())
        conditions = [
            fill(self.clauses[f"{self.one.check.value}.{side}"], column=self._column, value=f"{self.name}_{side}")
            for side in bounds
        ]
        text = self.filled(conditions=f" {self.clauses['or']} ".join(conditions))
        return text, {f"{self.name}_{side}": typed(bound) for side, bound in bounds.items()}

    @property
    def _column(self) -> str:
        return quoted(self.one.columns[0]) if self.one.columns else ""

    def _bounds(self) -> Iterator[tuple[str, Any]]:
        if self.one.least is not None:
            yield "least", self.one.least
        if self.one.most is not None:
            yield "most", self.one.most


def counts_of(row: Row) -> Mapping[int, tuple[int, ...]]:
    """Read the counts of audits out of a publication's answer."""
    prefix = "dp_audit_"
    return {
        int(name.removeprefix(prefix)): tuple(int(count) for count in str(value).split())
        for name, value in row.items()
        if name.startswith(prefix) and value is not None
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
