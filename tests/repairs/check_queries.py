"""What each repair of queries and scripts is good for, as a check that fails without it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery

from tests.plugins.emulator_calls import create_table, fill, numbers, query


def numeric_scale(bq: Any, _grpc: str) -> None:
    assert query(bq, "SELECT CAST('1.123456789' AS NUMERIC) AS n") == [(Decimal("1.123456789"),)]


def exact_division(bq: Any, _grpc: str) -> None:
    sql = "SELECT n / 60 AS q, n / 3.0 AS f, 1 / 2 AS i, SUM(n) OVER () / 4 AS w FROM (SELECT CAST(@n AS NUMERIC) AS n)"
    found = query(bq, sql, n=("NUMERIC", Decimal(5459246260)))
    assert found == [(Decimal("90987437.666666667"), 5459246260 / 3, 0.5, Decimal(1364811565))]


def quoted_identifiers(bq: Any, _grpc: str) -> None:
    assert query(bq, "SELECT MAX(at) AS latest FROM (SELECT 1 AS at)") == [(1,)]


def bounded_results(bq: Any, _grpc: str) -> None:
    sql = "SELECT REPEAT('x', 1000000) AS x FROM UNNEST(GENERATE_ARRAY(1, 50)) AS n"
    jobs = [bq.query(sql, job_id=f"large_{next(numbers)}", retry=None, job_retry=None) for _ in range(4)]
    path = f"/projects/{bq.project}/queries"
    bq._call_api(None, method="GET", path=f"{path}/{jobs[-1].job_id}", query_params={"maxResults": 0})
    with pytest.raises(NotFound):
        bq._call_api(None, method="GET", path=f"{path}/{jobs[0].job_id}", query_params={"maxResults": 0})


def no_time_travel(bq: Any, _grpc: str) -> None:
    table = create_table(bq)
    fill(bq, table)
    query(bq, f"DELETE FROM {table} WHERE id = 'r0'")
    copies = f"SELECT COUNT(*) AS n FROM _bqemulator_catalog.snapshots WHERE table_id = '{table.removeprefix('ds.')}'"
    assert query(bq, copies) == [(0,)]


def native_transactions(bq: Any, _grpc: str) -> None:
    table = create_table(bq)
    fill(bq, table)
    query(
        bq,
        f"""BEGIN BEGIN TRANSACTION; DELETE FROM {table} WHERE TRUE; RAISE USING MESSAGE = 'no';
        EXCEPTION WHEN ERROR THEN ROLLBACK TRANSACTION; END;""",
    )
    assert query(bq, f"SELECT COUNT(*) AS n FROM {table}") == [(2,)]


def typed_parameters(bq: Any, _grpc: str) -> None:
    found = query(bq, "SELECT '@a' AS text, @b AS b, ARRAY_LENGTH(@a) AS n", a=("STRING", []), b=("BYTES", b"\x00"))
    assert found == [("@a", b"\x00", 0)]


def script_parameters(bq: Any, _grpc: str) -> None:
    script = "DECLARE v_n INT64 DEFAULT @n; SET v_n = v_n * 3000000000; SELECT v_n AS n, @d AS d;"
    assert query(bq, script, n=("INT64", 2), d=("DATE", date(2025, 1, 1))) == [(6_000_000_000, date(2025, 1, 1))]


def error_message_variable(bq: Any, _grpc: str) -> None:
    script = "BEGIN RAISE USING MESSAGE = 'told'; EXCEPTION WHEN ERROR THEN SELECT @@error.message AS m; END;"
    assert query(bq, script) == [("told",)]


def procedure_bodies(bq: Any, _grpc: str) -> None:
    name = f"ds.p{next(numbers)}"
    query(
        bq,
        f"""CREATE OR REPLACE PROCEDURE {name}(p_n INT64) BEGIN
          DECLARE v_sum INT64 DEFAULT 0; DECLARE v_i INT64 DEFAULT 0;
          BEGIN TRANSACTION;
          LOOP
            SET v_i = v_i + 1;
            IF v_i > p_n THEN LEAVE; END IF;
            SET v_sum = v_sum + CASE WHEN MOD(v_i, 2) = 0 THEN IF(TRUE, 10, 0) ELSE 1 END;
          END LOOP;
          COMMIT TRANSACTION;
          SELECT v_sum AS total;
        END;""",
    )
    assert query(bq, f"CALL {name}(4);") == [(22,)]


def procedure_options(bq: Any, _grpc: str) -> None:
    name = f"ds.p{next(numbers)}"
    query(bq, f"CREATE PROCEDURE {name}(p_n INT64) OPTIONS (strict_mode = FALSE) BEGIN SELECT p_n AS n; END;")
    assert query(bq, f"CALL {name}(4);") == [(4,)]


def routine_options(bq: Any, _grpc: str) -> None:
    name = f"p{next(numbers)}"
    query(bq, f"CREATE PROCEDURE ds.{name}() BEGIN SELECT 1 AS n; END;")
    routine = bq.get_routine(f"ds.{name}")
    routine.description = 'so it is "said"'
    bq.update_routine(routine, ["body", "language", "type_", "arguments", "description"], retry=None)
    view = f"`{bq.project}`.`ds`.INFORMATION_SCHEMA.ROUTINE_OPTIONS"
    found = query(bq, f"SELECT option_name, option_value FROM {view} WHERE specific_name = '{name}'")
    assert found == [("description", r'"so it is \"said\""')]


def dry_run_parses(bq: Any, _grpc: str) -> None:
    table = create_table(bq)
    script = f"BEGIN INSERT INTO {table} (id, day) VALUES ('x', DATE '2025-01-01'); END;"
    bq.query(script, job_config=bigquery.QueryJobConfig(dry_run=True), retry=None, job_retry=None)
    assert query(bq, f"SELECT COUNT(*) AS n FROM {table}") == [(0,)]


def query_errors(bq: Any, _grpc: str) -> None:
    body = {"query": "SELECT CAST('x' AS DATE) AS d", "useLegacySql": False}
    with pytest.raises(BadRequest, match="Invalid date"):
        bq._call_api(None, method="POST", path=f"/projects/{bq.project}/queries", data=body)
    with pytest.raises(BadRequest, match="OUR_CODE"):
        query(bq, "IF TRUE THEN RAISE USING MESSAGE = 'OUR_CODE'; END IF;")
