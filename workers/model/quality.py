"""What is expected of rows before they are published, and what an audit of them found. Counts only, never values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from attrs import evolve, frozen

from workers.model.failure import Code, FailedError, Failure, Reason

OUTPUT = "dq"
PASSED, WARNED, FAILED = "PASSED", "WARNING", "FAILED"


class Severity(StrEnum):
    """What an expectation that is not met means: nothing is published, or a warning."""

    CRITICAL = "critical"
    WARNING = "warning"


class Check(StrEnum):
    """What is checked; each counts rows, keys or misses, and 0 is what is expected."""

    NOT_NULL = "not_null"
    UNIQUE = "unique"
    ACCEPTED = "accepted_values"
    RANGE = "range"
    ROW_COUNT = "row_count"
    FRESHNESS = "freshness"
    SQL = "sql"


@frozen
class Expectation:
    """One expectation of the rows of a table; without a `table`, of every table that its step writes.

    `least` and `most` bound a value or the number of rows; `total` names the output of an earlier step, as
    `step.name`, that the number of rows must equal. `hours` is how old the newest row may be when the run's day
    begins. `sql` is a SELECT of one number, `sql_file` where it stands.
    """

    name: str
    check: Check
    severity: Severity = Severity.CRITICAL
    table: str = ""
    columns: tuple[str, ...] = ()
    values: tuple[str | int | bool, ...] = ()
    least: Decimal | None = None
    most: Decimal | None = None
    total: str = ""
    hours: float = 0.0
    sql_file: str = ""
    sql: str = ""

    @property
    def critical(self) -> bool:
        """Whether nothing may be published unless it is met."""
        return self.severity is Severity.CRITICAL


@frozen
class Finding:
    """How often an expectation was not met."""

    expectation: str
    check: str
    severity: str
    failing: int


@frozen
class Audited:
    """What an audit of the rows for a table found, in all publications of one attempt of a step."""

    table: str
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, table: str, expectations: Iterable[Expectation], counts: Iterable[int]) -> Audited:
        """Bring expectations and what was counted for each together."""
        return cls(
            table,
            tuple(
                Finding(one.name, one.check.value, one.severity.value, count)
                for one, count in zip(expectations, counts, strict=True)
            ),
        )

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Expectations that were not met."""
        return tuple(one for one in self.findings if one.failing)

    @property
    def status(self) -> str:
        """FAILED when a critical expectation was not met, WARNING when another was not, else PASSED."""
        severities = {one.severity for one in self.failed}
        return FAILED if Severity.CRITICAL in severities else WARNED if severities else PASSED

    def joined(self, later: Audited) -> Audited:
        """Add up with what another publication into the same table counted."""
        if len(later.findings) != len(self.findings):
            return later
        pairs = zip(self.findings, later.findings, strict=True)
        return evolve(self, findings=tuple(evolve(one, failing=one.failing + two.failing) for one, two in pairs))

    def said(self) -> str:
        """Tell what was not met, in words."""
        return ", ".join(f"{one.expectation} ({one.failing:,})" for one in self.failed)

    def shown(self) -> Mapping[str, Any]:
        """Return it as a step's output keeps it."""
        return {
            "table": self.table,
            "status": self.status,
            "passed": len(self.findings) - len(self.failed),
            "failed": [
                {"expectation": one.expectation, "check": one.check, "severity": one.severity, "failing": one.failing}
                for one in self.failed
            ],
        }


def warned(output: Mapping[str, Any]) -> bool:
    """Whether a step has published rows that were not all as expected."""
    return any(audited["status"] == WARNED for audited in output.get(OUTPUT) or ())


def refused_by(audited: Audited, dataset: str) -> FailedError:
    """Build the error of rows that were not published; the table is as it was."""
    message = f"publish {dataset}.{audited.table}: not as expected: {audited.said()}; the table is unchanged"
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.DATA_QUALITY_FAILED, message))
