from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from sandbox.bigquery.parse_once import kept

SQL = "SELECT a FROM t"


def counted() -> tuple[list[str], Callable[..., exp.Expr]]:
    seen: list[str] = []

    def parse(sql: str, dialect: str) -> exp.Expr:
        seen.append(sql)
        return sqlglot.parse_one(sql, dialect=dialect)

    return seen, kept(parse)


def test_a_statement_is_parsed_once_for_a_dialect() -> None:
    seen, parse = counted()
    assert parse(SQL, dialect="bigquery").sql() == parse(SQL, dialect="bigquery").sql() == SQL
    parse(SQL, dialect="duckdb")
    assert seen == [SQL, SQL]


def test_what_one_stage_changes_no_other_sees() -> None:
    _, parse = counted()
    parse(SQL, dialect="bigquery").args["expressions"].clear()
    assert parse(SQL, dialect="bigquery").sql() == SQL


def test_a_text_that_does_not_parse_fails_every_time() -> None:
    seen, parse = counted()
    for _ in range(2):
        with pytest.raises(ParseError):
            parse("SELECT (", dialect="bigquery")
    assert len(seen) == 2
