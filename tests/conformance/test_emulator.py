"""Tables and loads of the repaired emulator, asked through google-cloud-bigquery as the service asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField as Field

from sandbox.bigquery.connect import PROJECT
from tests.plugins.emulator_calls import DAYS, SCHEMA, fill, load, numbers, query

pytestmark = pytest.mark.engine


def test_a_dataset_and_a_table_can_be_ensured_twice(bq: Any, table: str) -> None:
    bq.create_dataset("ds", exists_ok=True)
    with pytest.raises(Conflict):
        bq.create_table(bigquery.Table(f"{PROJECT}.{table}", schema=SCHEMA))


def test_schema_partitioning_clustering_and_expiration_come_back_as_given(bq: Any) -> None:
    table = bigquery.Table(f"{PROJECT}.ds.laid_out", schema=SCHEMA)
    table.time_partitioning = bigquery.TimePartitioning(field="day", expiration_ms=86_400_000)
    table.clustering_fields = ["id", "count"]
    table.expires = datetime(2125, 1, 1, tzinfo=UTC)
    bq.create_table(table)
    found = bq.get_table("ds.laid_out")
    assert [(f.name, f.field_type, f.mode) for f in found.schema] == [(f.name, f.field_type, f.mode) for f in SCHEMA]
    assert found.time_partitioning == table.time_partitioning
    assert (found.clustering_fields, found.expires) == (table.clustering_fields, table.expires)


def test_an_added_column_can_be_written_at_once_and_leaves_the_layout_alone(bq: Any) -> None:
    table = bigquery.Table(f"{PROJECT}.ds.grown", schema=SCHEMA)
    table.time_partitioning = bigquery.TimePartitioning(field="day")
    table = bq.create_table(table)
    table.schema = [*table.schema, Field("note", "STRING"), Field("share", "NUMERIC")]
    grown = bq.update_table(table, ["schema"])
    query(bq, "INSERT INTO ds.grown (id, day, note, share) VALUES ('a', '2025-01-01', 'n', 0.5)")
    assert query(bq, "SELECT note, share FROM ds.grown") == [("n", Decimal("0.5"))]
    assert grown.time_partitioning == table.time_partitioning


def test_a_required_column_cannot_be_added(bq: Any, table: str) -> None:
    found = bq.get_table(table)
    found.schema = [*found.schema, Field("must", "STRING", "REQUIRED")]
    with pytest.raises(BadRequest, match="must"):
        bq.update_table(found, ["schema"])


def test_every_type_comes_back_as_it_was_loaded(bq: Any, table: str) -> None:
    at = datetime(2025, 1, 1, 12, 30, tzinfo=UTC)
    amount = Decimal("12345678901234567890.123456789")
    row = {"id": "a", "day": DAYS[0], "amount": amount, "count": 2**60, "done": True, "at": at}
    row |= {"raw": '{"x": [1]}', "sealed": b"\x00\xff", "tags": ["p", "q"]}
    rows: dict[str, Any] = {name: [value] for name, value in row.items()}
    rows["amount"] = pa.array([amount], pa.decimal128(38, 9))
    load(bq, table, rows, f"types_{table}").result(timeout=20)
    found = next(iter(bq.list_rows(table)))
    assert dict(found.items()) == row | {"raw": {"x": [1]}}
    arrow = bq.query(f"SELECT * FROM {table}").result().to_arrow(create_bqstorage_client=False)
    assert arrow.schema.field("amount").type == pa.decimal128(38, 9)
    assert arrow.to_pylist()[0]["amount"] == amount


def test_a_job_id_loads_once_and_its_job_can_be_found(bq: Any, table: str) -> None:
    job_id = fill(bq, table, count=3)
    with pytest.raises(Conflict):
        load(bq, table, {"id": ["x"], "day": DAYS[:1]}, job_id)
    found = bq.get_job(job_id)
    assert (found.state, found.output_rows, found.error_result) == ("DONE", 3, None)
    assert bq.get_table(table).num_rows == 3


def test_many_loads_into_one_table_at_once_lose_nothing(bq: Any, table: str) -> None:
    def one(number: int) -> int:
        rows = {"id": [f"{number}-{i}" for i in range(500)], "day": DAYS[:1] * 500}
        return int(load(bq, table, rows, f"{table[3:]}_{number}").result(timeout=20).output_rows)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, range(6))) == [500] * 6
    assert query(bq, f"SELECT COUNT(DISTINCT id) AS n FROM {table}") == [(3000,)]


@pytest.mark.parametrize("rows", [{"id": [None], "day": [DAYS[0]]}, {"id": ["x"], "day": [DAYS[0]], "odd": [1]}])
def test_a_failed_replacement_leaves_the_table_and_tells_why(bq: Any, table: str, rows: dict[str, Any]) -> None:
    fill(bq, table)
    job_id = f"bad_{next(numbers)}"
    with pytest.raises(BadRequest, match=r"NOT NULL|odd"):
        load(bq, table, rows, job_id, "WRITE_TRUNCATE").result(timeout=20)
    assert bq.get_job(job_id).error_result["reason"] == "invalid"
    assert query(bq, f"SELECT COUNT(*) AS n FROM {table}") == [(2,)]


def test_a_replacement_leaves_only_its_own_rows(bq: Any, table: str) -> None:
    fill(bq, table)
    load(bq, table, {"id": ["x"], "day": DAYS[:1]}, f"replace_{next(numbers)}", "WRITE_TRUNCATE").result(timeout=20)
    assert [row["id"] for row in bq.list_rows(table)] == ["x"]


def test_tables_are_listed_until_they_are_deleted(bq: Any, table: str) -> None:
    assert table in {f"ds.{found.table_id}" for found in bq.list_tables("ds")}
    bq.delete_table(table)
    assert table not in {f"ds.{found.table_id}" for found in bq.list_tables("ds")}
    with pytest.raises(NotFound):
        bq.get_table(table)
    with pytest.raises(NotFound):
        bq.delete_table(table)


def test_rows_are_listed_page_by_page(bq: Any, table: str) -> None:
    fill(bq, table, count=25)
    pages = list(bq.list_rows(table, page_size=10).pages)
    assert [page.num_items for page in pages] == [10, 10, 5]
