"""What a publication says: the promote script filled in, its parameters and the name of its job. Pure.

Given the table, what is to be replaced, on whose authority and from which rows; hands on a `Script`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from workers.adapters.bigquery.aim import FILLED_IN, Aim
from workers.adapters.bigquery.names import digest, job_name, quoted, sha256
from workers.adapters.bigquery.parameters import Parameter, named, typed
from workers.adapters.bigquery.rendering import fill, parts
from workers.model.table import TableSchema
from workers.ports import Authority, Row

SHRINK_FLOOR = 20  # below this many rows a window may lose any share of them
LINEAGE = ("org_slug", "run_id", "ingested_at", "source_hash")


@frozen
class Script:
    """A multi-statement query; `key` is the same for the same content under the same lease."""

    sql: str
    parameters: tuple[Parameter, ...]
    key: str

    def job_name(self, kind: str, authority: Authority) -> str:
        """Name its job."""
        return job_name(kind, authority.run_id, self.key)


@frozen
class Source:
    """Rows to publish: a SELECT without lineage columns, or stages whose JSON columns are text.

    `content` is the SHA-256 that stands for the rows; `parameters` are the SELECT's own.
    """

    content: str
    stages: tuple[str, ...] = ()
    select: str = ""
    parameters: Row = field(factory=dict)


@frozen
class Writer:
    """Fills in scripts for one dataset; `path` is its quoted name, `sql` the texts by the names in STATEMENTS."""

    authority: Authority
    path: str
    ledger: str
    sql: Mapping[str, str]

    def promote(self, aim: Aim, source: Source, now: Any, *, complete: bool) -> Script:
        """Replace what `aim` names by the rows of `source`; of an incomplete source only the days it has."""
        clauses = parts(self.sql["parts"])
        day, inside = _window(clauses, aim)
        replaced = (
            inside if complete or aim.window is None else fill(clauses["inside.given_days"], inside=inside, day=day)
        )
        kept = fill(clauses["kept"], day=day)
        blanks = self._blanks(clauses, aim.table, source)
        sql = fill(self.sql["promote"], inside=inside, replaced=replaced, kept=kept, day=day, **blanks)
        return self._script(sql, aim, source, now, complete=complete, scope=aim.scope_text)

    def append(self, table: TableSchema, source: Source, now: Any, ordinal: int) -> Script:
        """Add the rows of `source`; `ordinal` tells apart what one step appends to one table."""
        scope = f"append/{self.authority.run_id}/{self.authority.step_id}/{ordinal}"
        sql = fill(self.sql["append"], **self._blanks(parts(self.sql["parts"]), table, source))
        return self._script(sql, Aim(table, None), source, now, complete=True, scope=scope)

    def _blanks(self, clauses: Mapping[str, str], table: TableSchema, source: Source) -> dict[str, str]:
        target = f"{self.path}.{quoted(table.name)}"
        columns = [quoted(column.name) for column in table.columns]
        return {
            "target": target,
            "ledger": f"{self.path}.{quoted(self.ledger)}",
            "columns": ", ".join(columns),
            "values": ", ".join(_values(clauses, table, source)),
            "rows": self._rows(clauses, table, source, target),
        }

    def _rows(self, clauses: Mapping[str, str], table: TableSchema, source: Source, target: str) -> str:
        if source.select:
            return source.select
        if not source.stages:
            columns = ", ".join(quoted(column.name) for column in table.columns)
            return fill(clauses["rows.none"], columns=columns, target=target)
        columns = ", ".join(quoted(column.name) for column in staged_columns(table))
        stages = (
            fill(clauses["rows.stage"], columns=columns, stage=f"{self.path}.{quoted(stage)}")
            for stage in source.stages
        )
        return f"\n{clauses['rows.and']}\n".join(stages)

    def _script(self, sql: str, aim: Aim, source: Source, now: Any, *, complete: bool, scope: str | None) -> Script:
        first, last = aim.days
        said = {
            "dp_table": aim.table.name,
            "dp_scope": scope,
            "dp_whole": aim.window is None,
            "dp_first": first,
            "dp_last": last,
            "dp_org": self.authority.org,
            "dp_run_id": str(self.authority.run_id),
            "dp_run_seq": self.authority.run_seq,
            "dp_fence": self.authority.fence,
            "dp_step_id": self.authority.step_id,
            "dp_content": source.content,
            "dp_complete": complete,
            "dp_allow_shrink": aim.allow_shrink,
            "dp_shrink_floor": SHRINK_FLOOR,
        }
        key = digest(sql, *said.items(), *sorted(source.parameters.items()))
        scoped = {f"dp_scope_{number}": value for number, value in enumerate(aim.scope.values())}
        parameters = (*typed({**said, **scoped, "dp_now": now}), *named(source.parameters))
        return Script(sql, parameters, key)


def staged_columns(table: TableSchema) -> tuple[Any, ...]:
    """Return the columns that rows bring along: all but those the promote fills in."""
    return tuple(column for column in table.columns if column.name not in FILLED_IN)


def _values(clauses: Mapping[str, str], table: TableSchema, source: Source) -> list[str]:
    from_stage = bool(source.stages)
    values = []
    for column in table.columns:
        clause = "plain"
        if column.name in FILLED_IN or (source.select and column.name in LINEAGE):
            clause = column.name
        elif from_stage and column.name == "source_hash":
            clause = "given_source_hash"
        elif from_stage and column.type == "JSON":
            clause = "json"
        values.append(fill(clauses[f"values.{clause}"], column=quoted(column.name)))
    return values


def _window(clauses: Mapping[str, str], aim: Aim) -> tuple[str, str]:
    """Return the day of a row, and the condition on rows inside the window and scope."""
    kind, column = "whole", ""
    if aim.window is not None and aim.table.partition is not None:
        declared = aim.table.column(aim.table.partition)
        kind = "timestamp" if declared is not None and declared.type == "TIMESTAMP" else "date"
        column = quoted(aim.table.partition)
    inside = fill(clauses[f"inside.{kind}"], column=column)
    for number, name in enumerate(aim.scope):
        inside = fill(clauses["inside.scope"], inside=inside, column=quoted(name), parameter=f"dp_scope_{number}")
    return fill(clauses[f"day.{kind}"], column=column), inside


def content_of(hashes: Sequence[str]) -> str:
    """Return the SHA-256 that stands for files: a single file's own."""
    return hashes[0] if len(hashes) == 1 else sha256(*hashes)
