"""Makes a table from what a .sql file selects in the organisation's own dataset: added, replaced or merged by keys.

The file is one SELECT. It names tables as `{dataset}.table` and `{central}.table`; what `identifiers` declares stands
for checked names; values are parameters: the declared ones, and run_id, org_slug, run_date, start_date and end_date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import max_len

from workers.model.conversion import converter
from workers.model.pipeline import Destination
from workers.model.table import IDENTIFIER, Column, TableSchema
from workers.ports import StepContext, StepResult, Written
from workers.processors.generic.targets import declared_table, invalid

_BLANK = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_PARAMETER = re.compile(r"@([a-z_][a-z0-9_]*)", re.IGNORECASE)
_QUOTED = re.compile(
    r"'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|--[^\n]*|#[^\n]*|/\*.*?\*/", re.DOTALL
)
_SELECT = re.compile(r"\s*(?:SELECT|WITH|\()", re.IGNORECASE)
_TYPES = ("STRING", "INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "BOOL", "DATE", "DATETIME", "TIMESTAMP")
_TYPED = frozenset({"type", "value"})
_OURS = frozenset({"dataset", "central"})


def _are_parameters(_owner: Any, _attribute: Attribute[Any], given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if not IDENTIFIER.match(name) or name.startswith("dp_"):
            raise ValueError(f"'parameters' has a name that no parameter can have: {name[:80]!r}")
        parameter(name, value)


def _are_identifiers(_owner: Any, _attribute: Attribute[Any], given: Mapping[str, str]) -> None:
    for name, text in given.items():
        if not _BLANK.fullmatch(f"{{{name}}}") or name in _OURS:
            raise ValueError(f"'identifiers' has a name that cannot be filled in: {name[:80]!r}")
        if not IDENTIFIER.match(text) or text.startswith("__"):
            raise ValueError(f"'identifiers' may only stand for plain names, not {text[:80]!r}")


def parameter(name: str, declared: Any) -> Any:
    """Return a parameter's value: as it is written, or as {type, value} says. Raises ValueError."""
    if not isinstance(declared, Mapping):
        return declared
    if set(declared) != _TYPED or declared["type"] not in _TYPES:
        raise ValueError(f"'parameters' gives {name} neither a value nor a type of {', '.join(_TYPES)} with one")
    mode = "REPEATED" if isinstance(declared["value"], list) else "NULLABLE"
    value = declared["value"]
    try:
        return converter(Column(name, declared["type"], mode))(str(value) if isinstance(value, float) else value)
    except ValueError as error:
        raise ValueError(f"'parameters' gives {name} a value that {error}") from None


@frozen(kw_only=True)
class TransformDeclared:
    """`replace`: what write_mode overwrite replaces, the days of the run or the table; by its partition if not said."""

    sql: str
    destination: Destination
    parameters: Mapping[str, Any] = field(factory=dict, validator=[max_len(200), _are_parameters])
    identifiers: Mapping[str, str] = field(factory=dict, validator=[max_len(50), _are_identifiers])
    replace: Literal["days", "table"] | None = None
    allow_shrink: bool = False


class LocalBqTransformer:
    """Engine of `generic.local_bq_transformer`."""

    Config = TransformDeclared

    async def execute(self, config: TransformDeclared, ctx: StepContext) -> StepResult:
        """Publish what the file selects, all of it or nothing."""
        table = declared_table(ctx, config.destination)
        await ctx.warehouse.ensure(table)
        sql = _filled(ctx.schemas.sql(config.sql), config)
        written = await self._write(config, ctx, table, sql, _parameters(sql, config, ctx))
        if written.superseded:
            await ctx.message(f"{table.name}: what a newer run has written was left to it")
        output = {
            "table": table.name,
            "rows_written": written.rows,
            "adopted": written.adopted,
            "superseded": written.superseded,
            "bytes_billed": written.bytes_billed,
        }
        return StepResult(written.rows, written.bytes_billed, output)

    async def _write(
        self, config: TransformDeclared, ctx: StepContext, table: TableSchema, sql: str, values: Mapping[str, Any]
    ) -> Written:
        match config.destination.write_mode:
            case "append":
                return await ctx.warehouse.append_query(table, sql, values)
            case "merge":
                keys, whose = config.destination.key_fields, f"{ctx.variables['pipeline_id']}/{ctx.step.step_id}"
                return await ctx.warehouse.merge_query(table, keys, whose, sql, values)
            case _:
                by_days = config.replace == "days" or (config.replace is None and table.partition is not None)
                allowed = config.allow_shrink or ctx.force_refresh
                window = ctx.window if by_days else None
                return await ctx.warehouse.transform(table, window, sql, values, allow_shrink=allowed)


def _filled(sql: str, config: TransformDeclared) -> str:
    bare = _QUOTED.sub(" ", sql).rstrip().removesuffix(";")
    if ";" in bare or not _SELECT.match(bare):
        raise invalid(f"{config.sql} is not one SELECT")
    unused = config.identifiers.keys() - set(_BLANK.findall(sql))
    if unused:
        raise invalid(f"{config.sql} has no place for the identifier {min(unused)}")
    names = config.identifiers
    return _BLANK.sub(lambda blank: f"`{names[blank[1]]}`" if blank[1] in names else blank[0], sql)


def _parameters(sql: str, config: TransformDeclared, ctx: StepContext) -> Mapping[str, Any]:
    known: dict[str, Any] = {
        "org_slug": ctx.org,
        "run_id": str(ctx.run_id),
        "run_date": ctx.run_date,
        "start_date": ctx.window.first,
        "end_date": ctx.window.last,
    }
    known |= {name: parameter(name, declared) for name, declared in config.parameters.items()}
    asked = set(_PARAMETER.findall(_QUOTED.sub(" ", sql)))
    absent = sorted(asked - known.keys())
    if absent:
        raise invalid(f"{config.sql} asks for parameters that are not declared: {', '.join(absent)}")
    return {name: known[name] for name in sorted(asked)}


def get_engine() -> LocalBqTransformer:
    """Return the engine of `generic.local_bq_transformer`."""
    return LocalBqTransformer()
