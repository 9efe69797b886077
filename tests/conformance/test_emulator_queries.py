"""Queries of the repaired emulator: parameters, expressions, errors, dry runs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import bigquery
from google.cloud.bigquery import ScalarQueryParameter as Scalar

from tests.plugins.emulator_calls import DAYS, fill, query

pytestmark = pytest.mark.engine

MONDAY = "DATE_SUB(DATE '2025-01-05', INTERVAL MOD(EXTRACT(DAYOFWEEK FROM DATE '2025-01-05') + 5, 7) DAY)"
LATEST = """(
  SELECT k FROM (SELECT 'a' AS k, 1 AS n UNION ALL SELECT 'b', 2)
  WHERE TRUE QUALIFY ROW_NUMBER() OVER (ORDER BY n DESC) = 1
)"""


def test_parameters_arrive_with_their_types(bq: Any) -> None:
    at = datetime(2025, 1, 1, tzinfo=UTC)
    sql = "SELECT @s, @i * 3000000000, @n, @d, @t, @b, @none IS NULL, ARRAY_LENGTH(@empty), '@s'"
    found = query(
        bq,
        sql,
        s=("STRING", "a@i"),
        i=("INT64", 7),
        n=("NUMERIC", Decimal("0.000000001")),
        d=("DATE", DAYS[0]),
        t=("TIMESTAMP", at),
        b=("BOOL", False),
        none=("DATE", None),
        empty=("STRING", []),
    )
    assert found == [("a@i", 21_000_000_000, Decimal("0.000000001"), DAYS[0], at, False, True, 0, "@s")]


def test_arrays_filter_rows(bq: Any, table: str) -> None:
    fill(bq, table, count=4)
    sql = f"SELECT id FROM {table} WHERE day IN UNNEST(@days) AND id IN UNNEST(@ids) ORDER BY id LIMIT @most"
    assert query(bq, sql, days=("DATE", DAYS[:1]), ids=("STRING", ["r1", "r2"]), most=("INT64", 9)) == [("r2",)]
    assert query(bq, sql, days=("DATE", []), ids=("STRING", ["r1"]), most=("INT64", 9)) == []


def test_rows_can_be_given_as_an_array_of_structs(bq: Any) -> None:
    def struct(key: str, amount: str) -> Any:
        return bigquery.StructQueryParameter(
            None, Scalar("k", "STRING", key), Scalar("amount", "NUMERIC", Decimal(amount))
        )

    rows = bigquery.ArrayQueryParameter("rows", "STRUCT", [struct("a", "1.5"), struct("b", "2")])
    config = bigquery.QueryJobConfig(query_parameters=[rows])
    found = bq.query("SELECT r.k, r.amount FROM UNNEST(@rows) AS r ORDER BY k", job_config=config).result()
    assert [tuple(row.values()) for row in found] == [("a", Decimal("1.5")), ("b", Decimal(2))]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CAST('12345678901234567890.123456789' AS NUMERIC)", Decimal("12345678901234567890.123456789")),
        ("ROUND(CAST('1.123456789' AS NUMERIC) * CAST('2.000000001' AS NUMERIC), 9)", Decimal("2.246913579")),
        ('PARSE_JSON(\'{"a": {"b": [1, 2]}}\')', {"a": {"b": [1, 2]}}),
        ('JSON_VALUE(PARSE_JSON(\'{"a": {"b": "x"}}\'), \'$.a.b\')', "x"),
        (MONDAY, date(2024, 12, 30)),
        ("CAST(DATE_TRUNC(DATE '2025-02-15', MONTH) AS DATE)", date(2025, 2, 1)),
        ("DATE_DIFF(DATE '2025-01-31', DATE '2025-01-01', DAY)", 30),
        ("TIMESTAMP_DIFF(TIMESTAMP '2025-01-02 00:00:00+00', TIMESTAMP '2025-01-01 00:00:00+00', SECOND)", 86_400),
        ("DATE(TIMESTAMP '2025-01-01 23:59:59+00')", date(2025, 1, 1)),
        ("TO_HEX(SHA256('a'))", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("ARRAY(SELECT AS STRUCT x, x * 2 AS y FROM UNNEST([3]) AS x)", [{"x": 3, "y": 6}]),
        ("(SELECT ARRAY_AGG(STRUCT(x AS a) ORDER BY x DESC) FROM UNNEST([1, 2]) AS x)", [{"a": 2}, {"a": 1}]),
        (LATEST, "b"),
    ],
)
def test_an_expression_means_what_it_means_in_bigquery(bq: Any, sql: str, expected: Any) -> None:
    assert query(bq, f"SELECT {sql} AS found") == [(expected,)]


def test_a_query_runs_under_the_id_it_was_given_and_only_once(bq: Any) -> None:
    job = bq.query("SELECT 1 AS one", job_id="mine", retry=None, job_retry=None)
    assert [row.one for row in job.result(timeout=5)] == [1]
    with pytest.raises(Conflict):
        bq.query("SELECT 1 AS one", job_id="mine", retry=None, job_retry=None)
    found: Any = bq.get_job("mine")
    assert (found.state, found.total_bytes_processed, found.statement_type) == ("DONE", 0, "SELECT")
    assert found.ended >= found.created


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELEC 1", BadRequest),
        ("SELECT nothing FROM UNNEST([1])", BadRequest),
        ("SELECT CAST('x' AS DATE)", BadRequest),
        ("SELECT @missing", BadRequest),
        ("SELECT * FROM ds.missing", NotFound),
        ("BEGIN TRANSACTION; SELECT 1; COMMIT TRANSACTION; ROLLBACK TRANSACTION;", BadRequest),
    ],
)
def test_a_query_that_fails_says_so_with_a_4xx(bq: Any, sql: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=r".+"):
        query(bq, sql)
    with pytest.raises(error, match=r".+"):
        bq.query_and_wait(sql, retry=None, job_retry=None)


def test_a_dry_run_knows_the_columns_and_changes_nothing(bq: Any, table: str) -> None:
    dry = bigquery.QueryJobConfig(dry_run=True)
    assert [field.name for field in bq.query(f"SELECT id FROM {table}", job_config=dry).schema] == ["id"]
    bq.query(f"BEGIN TRANSACTION; DROP TABLE {table}; COMMIT TRANSACTION;", job_config=dry)
    assert bq.get_table(table).num_rows == 0
