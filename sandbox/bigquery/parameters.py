"""Query parameters as typed nodes of the BigQuery syntax tree, before anything is translated.

Given a statement and what its @names and ?s stand for; hands on the statement with numbered, typed placeholders and
their Python values in that order.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import attrs
import sqlglot
from bqemulator.scripting.lexer import tokenize
from bqemulator.sql import parameters as emulator
from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# DuckDB types these as BigQuery does from the Python value alone; a cast would only get in the way of LIMIT @n.
_SELF_EVIDENT = frozenset({"STRING", "BOOL", "BOOLEAN", "DATE", "DATETIME", "TIME", "TIMESTAMP"})
_UNTYPED = frozenset({"", "ANY", "STRUCT"})  # what the emulator calls procedure arguments and loop variables
_POSITION = "__position_{}"


@attrs.frozen
class Parameter:
    """One query parameter: its BigQuery type as SQL and its value as DuckDB takes it."""

    type_name: str
    value: Any


class Bound(list[Any]):
    """Values already bound to the numbered placeholders of a statement."""


def declared(query_parameters: list[dict[str, Any]] | None) -> dict[str, Parameter]:
    """Read the REST request's queryParameters by name; positional ones get the names `number_positions` writes."""
    return {
        entry.get("name") or _POSITION.format(index): Parameter(
            _type_name(entry.get("parameterType", {})),
            _value(entry.get("parameterType", {}), entry.get("parameterValue", {})),
        )
        for index, entry in enumerate(query_parameters or ())
    }


def number_positions(sql: str) -> str:
    """Write the n-th `?` of a script as a name, since its statements are translated one by one."""
    marks = [token for token in tokenize(sql) if token.value == "?"]
    for index, token in reversed(list(enumerate(marks))):
        sql = f"{sql[: token.start]}@{_POSITION.format(index)}{sql[token.end :]}"
    return sql


def bind(sql: str, known: Mapping[str, Parameter]) -> tuple[str, Bound]:
    """Replace every known @name by a typed placeholder; SQL that does not parse is left for DuckDB to refuse."""
    values = Bound()
    if not known:
        return sql, values
    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.ParseError:
        return sql, values
    bind_tree(tree, known.get, values)
    return tree.sql(dialect="bigquery"), values


def bind_tree(tree: exp.Expr, find: Callable[[str], Parameter | None], values: list[Any]) -> None:
    """Replace the @names of `tree` that `find` knows, appending their values to `values`."""
    for node in list(tree.find_all(exp.Parameter)):
        if not isinstance(node.parent, exp.Parameter) and (parameter := find(node.name)) is not None:
            node.replace(placeholder(parameter, values))


def placeholder(parameter: Parameter, values: list[Any]) -> exp.Expr:
    """Append the value to `values` and return the node that stands for it, cast to its type where that is needed."""
    values.append(parameter.value)
    number = exp.Parameter(this=exp.Literal.number(len(values)))
    kind = parameter.type_name.upper()
    if kind in _UNTYPED or (kind in _SELF_EVIDENT and parameter.value is not None):
        return number
    return exp.Cast(this=number, to=exp.DataType.build(parameter.type_name, dialect="bigquery"))


def _type_name(parameter_type: dict[str, Any]) -> str:
    kind = str(parameter_type.get("type", "STRING")).upper()
    if kind == "ARRAY":
        return f"ARRAY<{_type_name(parameter_type.get('arrayType', {}))}>"
    if kind in ("STRUCT", "RECORD"):
        fields = (f"`{f['name']}` {_type_name(f['type'])}" for f in parameter_type.get("structTypes", ()))
        return f"STRUCT<{', '.join(fields)}>"
    return kind


def _value(parameter_type: dict[str, Any], value: dict[str, Any]) -> Any:
    kind = str(parameter_type.get("type", "STRING")).upper()
    if kind == "ARRAY":
        element = parameter_type.get("arrayType", {})
        return [_value(element, item) for item in value.get("arrayValues") or ()]
    if kind in ("STRUCT", "RECORD"):
        given = value.get("structValues") or {}
        return {f["name"]: _value(f["type"], given.get(f["name"], {})) for f in parameter_type.get("structTypes", ())}
    raw = value.get("value")
    if kind == "BYTES" and raw is not None:
        return base64.b64decode(raw)
    return emulator._extract_value({"parameterType": {"type": kind}, "parameterValue": value})  # noqa: SLF001
