"""What a publication says: the promote script filled in, its parameters and the name of its job. Pure.

Given the table, what is to be replaced, on whose authority and from which rows; hands on a `Script`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from workers.adapters.bigquery.aim import FILLED_IN, Aim
from workers.adapters.bigquery.auditing import NO_AUDIT, Audit
from workers.adapters.bigquery.names import digest, job_name, quoted
from workers.adapters.bigquery.parameters import Parameter, named, typed
from workers.adapters.bigquery.rendering import fill, parts
from workers.adapters.bigquery.sources import Source, rows_of
from workers.model.table import TableSchema
from workers.ports import Authority

SHRINK_FLOOR = 20  # below this many rows a window may lose any share of them
LINEAGE = ("org_slug", "run_id", "ingested_at", "source_hash")


@frozen
class Script:
    """A multi-statement query; `key` is the same for the same content under the same lease."""

    sql: str
    parameters: tuple[Parameter, ...]
    key: str
    most_bytes: int | None = None

    def job_name(self, kind: str, authority: Authority) -> str:
        """Name its job."""
        return job_name(kind, authority.run_id, self.key)


@frozen
class Piece:
    """One of the windows that a script publishes."""

    aim: Aim
    source: Source
    complete: bool = True
    audit: Audit = NO_AUDIT


@frozen
class Making:
    """Statements that make temporary tables before anything is published; `told` is a clause that answers from them."""

    sql: str = ""
    parameters: tuple[Parameter, ...] = ()
    told: str = ""


@frozen
class Writer:
    """Fills in scripts for one dataset; `path` is its quoted name, `sql` the texts by the names in STATEMENTS."""

    authority: Authority
    path: str
    ledger: str
    sql: Mapping[str, str]

    def promote(self, aim: Aim, source: Source, now: Any, *, complete: bool, audit: Audit = NO_AUDIT) -> Script:
        """Replace what `aim` names by the rows of `source`; of an incomplete source what it reached, or its days."""
        return self.publish((Piece(aim, source, complete, audit),), now)

    def publish(self, pieces: Sequence[Piece], now: Any, making: Making | None = None) -> Script:
        """Replace what the pieces aim at, all in one transaction; their content is that of the first."""
        making = making or Making()
        clauses = parts(self.sql["parts"])
        blanks = [self._piece_blanks(clauses, number, piece) for number, piece in enumerate(pieces)]
        sql = fill(
            self.sql["promote"],
            prologue=making.sql,
            sources="\n\n".join(
                f"{fill(clauses['source'], **blank)}\n\n{piece.audit.sql}"
                for blank, piece in zip(blanks, pieces, strict=True)
            ),
            publications="\n".join(fill(self.sql["publication"], **blank) for blank in blanks),
            audited="".join(piece.audit.told for piece in pieces),
            told=making.told,
        )
        said: dict[str, Any] = {}
        for number, piece in enumerate(pieces):
            values = {**_aimed(piece.aim, complete=piece.complete), "dp_scope": piece.aim.scope_text}
            said |= {f"{name}_{number}": value for name, value in values.items()}
            said |= piece.audit.parameters
        scoped = {
            _scope_parameter(number, index): value
            for number, piece in enumerate(pieces)
            for index, value in enumerate(piece.aim.scope.values())
        }
        return self._script(sql, said, scoped, pieces[0].source, now, making.parameters)

    def append(self, table: TableSchema, source: Source, now: Any, ordinal: int, audit: Audit = NO_AUDIT) -> Script:
        """Add the rows of `source`; `ordinal` tells apart what one step appends to one table."""
        scope = f"append/{self.authority.run_id}/{self.authority.step_id}/{ordinal}"
        blanks = self._blanks(parts(self.sql["parts"]), table, source)
        sql = fill(self.sql["append"], audit=audit.sql, audited=audit.told, **blanks)
        said = {**_aimed(Aim(table, None), complete=True), "dp_scope": scope, **audit.parameters}
        return self._script(sql, said, {}, source, now)

    def _piece_blanks(self, clauses: Mapping[str, str], number: int, piece: Piece) -> dict[str, str]:
        day, inside = _window(clauses, piece.aim, number)
        whole = piece.complete or piece.source.reached or piece.aim.window is None
        replaced = inside if whole else fill(clauses["inside.given_days"], inside=inside, day=day, n=str(number))
        kept = fill(clauses["kept"], day=day)
        if piece.source.reached:
            kept = fill(clauses["kept.reached"], kept=kept, column=quoted(piece.source.reached.column))
        return {
            "n": str(number),
            "day": day,
            "inside": inside,
            "replaced": replaced,
            "kept": kept,
            **self._blanks(clauses, piece.aim.table, piece.source),
        }

    def upsert(
        self,
        table: TableSchema,
        keys: Sequence[str],
        whose: str,
        source: Source,
        now: Any,
        audit: Audit = NO_AUDIT,
    ) -> Script:
        """Merge the rows of `source` by `keys`; `whose` tells apart what different pipelines merge into one table."""
        clauses = parts(self.sql["parts"])
        names = [quoted(column.name) for column in table.columns]
        matched = [fill(clauses["merge.matched"], column=quoted(key)) for key in keys]
        keyless = [fill(clauses["merge.keyless"], column=quoted(key)) for key in keys]
        sql = fill(
            self.sql["upsert"],
            keys=", ".join(quoted(key) for key in keys),
            keyless=f" {clauses['merge.or']} ".join(keyless),
            matched=f" {clauses['merge.and']} ".join(matched),
            changes=", ".join(fill(clauses["merge.change"], column=name) for name in names),
            given=", ".join(fill(clauses["merge.given"], column=name) for name in names),
            audit=audit.sql,
            audited=audit.told,
            **self._blanks(clauses, table, source),
        )
        said = {**_aimed(Aim(table, None), complete=True), "dp_scope": f"merge/{whose}", **audit.parameters}
        return self._script(sql, said, {}, source, now)

    def _blanks(self, clauses: Mapping[str, str], table: TableSchema, source: Source) -> dict[str, str]:
        target = f"{self.path}.{quoted(table.name)}"
        columns = [quoted(column.name) for column in table.columns]
        return {
            "target": target,
            "ledger": f"{self.path}.{quoted(self.ledger)}",
            "columns": ", ".join(columns),
            "values": ", ".join(_values(clauses, table, source)),
            "rows": rows_of(clauses, self.path, table, source, target),
        }

    def _script(
        self,
        sql: str,
        aimed: Mapping[str, Any],
        scoped: Mapping[str, Any],
        source: Source,
        now: Any,
        making: tuple[Parameter, ...] = (),
    ) -> Script:
        said: dict[str, Any] = {
            **aimed,
            "dp_org": self.authority.org,
            "dp_run_id": str(self.authority.run_id),
            "dp_run_seq": self.authority.run_seq,
            "dp_fence": self.authority.fence,
            "dp_step_id": self.authority.step_id,
            "dp_content": source.content,
            "dp_shrink_floor": SHRINK_FLOOR,
        }
        if source.reached:
            said["dp_reached"] = list(source.reached.values)
        given = sorted(source.parameters.items())
        key = digest(sql, *said.items(), *given, *(str(parameter.to_api_repr()) for parameter in making))
        parameters = (*typed({**said, **scoped, "dp_now": now}), *named(source.parameters), *making)
        return Script(sql, parameters, key)


def _values(clauses: Mapping[str, str], table: TableSchema, source: Source) -> list[str]:
    from_stage = bool(source.stages)
    values = []
    for column in table.columns:
        clause = "plain"
        if column.name in FILLED_IN or (source.computed and column.name in LINEAGE):
            clause = column.name
        elif from_stage and column.name == "source_hash":
            clause = "given_source_hash"
        elif from_stage and column.type == "JSON":
            clause = "json"
        values.append(fill(clauses[f"values.{clause}"], column=quoted(column.name)))
    return values


def _aimed(aim: Aim, *, complete: bool) -> dict[str, Any]:
    first, last = aim.days
    return {
        "dp_table": aim.table.name,
        "dp_whole": aim.window is None,
        "dp_first": first,
        "dp_last": last,
        "dp_complete": complete,
        "dp_allow_shrink": aim.allow_shrink,
    }


def _scope_parameter(number: int, index: int) -> str:
    return f"dp_scope_{number}_value_{index}"


def _window(clauses: Mapping[str, str], aim: Aim, number: int) -> tuple[str, str]:
    """Return the day of a row, and the condition on rows inside the window and scope."""
    kind, column = "whole", ""
    if aim.window is not None and aim.table.partition is not None:
        declared = aim.table.column(aim.table.partition)
        kind = "timestamp" if declared is not None and declared.type == "TIMESTAMP" else "date"
        column = quoted(aim.table.partition)
    inside = fill(clauses[f"inside.{kind}"], column=column, n=str(number))
    for index, name in enumerate(aim.scope):
        parameter = _scope_parameter(number, index)
        inside = fill(clauses["inside.scope"], inside=inside, column=quoted(name), parameter=parameter)
    return fill(clauses[f"day.{kind}"], column=column), inside
