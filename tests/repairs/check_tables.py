"""What each repair of tables, loads and jobs is good for, as a check that fails without it."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField as Field

from sandbox.bigquery.connect import PROJECT
from tests.plugins.emulator_calls import DAYS, create_table, fill, load, numbers, query


def request_cursors(bq: Any, _grpc: str) -> None:
    tables = [create_table(bq) for _ in range(4)]
    for number, table in enumerate(tables):
        load(bq, table, {"id": [str(number)] * 200, "day": DAYS[:1] * 200}, f"own_{next(numbers)}").result(timeout=20)

    def read(number: int) -> set[str]:
        return {row["id"] for row in bq.list_rows(tables[number % 4], retry=None, timeout=20)}

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(80))) == [{str(number % 4)} for number in range(80)]


def one_write_lock(bq: Any, _grpc: str) -> None:
    table = bq.get_table(create_table(bq))
    note, must = Field("note", "STRING"), Field("must", "STRING", "REQUIRED")
    table.schema = [*table.schema, note, must]
    with pytest.raises(BadRequest):
        bq.update_table(table, ["schema"])
    table.schema = table.schema[:-1]
    assert bq.update_table(table, ["schema"], retry=None).schema[-1].name == "note"


def missing_datasets(bq: Any, _grpc: str) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        bq.create_table(bigquery.Table(f"{PROJECT}.nowhere.t", schema=[Field("a", "STRING")]), retry=None)
    with pytest.raises(NotFound, match="nowhere"):
        list(bq.list_tables("nowhere", retry=None))


def schema_patches(bq: Any, _grpc: str) -> None:
    name = create_table(bq)
    table = bq.get_table(name)
    table.schema = [*table.schema, Field("note", "STRING")]
    bq.update_table(table, ["schema"])
    query(bq, f"ALTER TABLE {name} ADD COLUMN later STRING")
    query(bq, f"INSERT INTO {name} (id, day, note, later) VALUES ('a', DATE '2025-01-01', 'n', 'l')")
    assert [field.name for field in bq.get_table(name).schema][-2:] == ["note", "later"]


def required_columns(bq: Any, _grpc: str) -> None:
    table = create_table(bq)
    with pytest.raises(BadRequest, match="Required field id cannot be null"):
        query(bq, f"INSERT INTO {table} (day) VALUES (DATE '2025-01-01')")


def legacy_type_names(bq: Any, _grpc: str) -> None:
    name = f"ds.t{next(numbers)}"
    fields = [Field("a", "INT64"), Field("b", "BOOL"), Field("c", "FLOAT64")]
    bq.create_table(bigquery.Table(f"{PROJECT}.{name}", schema=fields))
    assert [field.field_type for field in bq.get_table(name).schema] == ["INTEGER", "BOOLEAN", "FLOAT"]


def table_expirations(bq: Any, _grpc: str) -> None:
    name = f"ds.t{next(numbers)}"
    table = bigquery.Table(f"{PROJECT}.{name}", schema=[Field("a", "STRING")])
    table.expires = datetime(2125, 1, 1, tzinfo=UTC)
    bq.create_table(table)
    assert bq.get_table(name).expires == table.expires


def multipart_uploads(bq: Any, _grpc: str) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"id": ["a"], "day": DAYS[:1]}), file)
    size = file.tell()
    config = bigquery.LoadJobConfig(source_format="PARQUET")
    job = bq.load_table_from_file(
        file, f"{PROJECT}.{create_table(bq)}", rewind=True, size=size, job_config=config, num_retries=0
    )
    assert job.result(timeout=20).output_rows == 1


def loads_by_name(bq: Any, _grpc: str) -> None:
    table = create_table(bq)
    load(bq, table, {"tags": [["x"]], "day": DAYS[:1], "id": ["a"]}, f"named_{next(numbers)}").result(timeout=20)
    assert query(bq, f"SELECT id, day, tags FROM {table}") == [("a", DAYS[0], ["x"])]
    with pytest.raises(BadRequest, match="odd"):
        load(bq, table, {"id": ["b"], "day": DAYS[:1], "odd": [1]}, f"odd_{next(numbers)}").result(timeout=20)


def partition_decorators(bq: Any, _grpc: str) -> None:
    name = f"ds.t{next(numbers)}"
    table = bigquery.Table(f"{PROJECT}.{name}", schema=[Field("id", "STRING"), Field("day", "DATE")])
    table.time_partitioning = bigquery.TimePartitioning(field="day")
    bq.create_table(table)
    load(bq, name, {"id": ["a", "b"], "day": DAYS}, f"all_{next(numbers)}").result(timeout=20)
    one, other = ({"id": ["c"], "day": [day]} for day in (DAYS[1], date(2025, 1, 9)))
    partition = f"{name}$20250102"
    load(bq, partition, one, f"one_{next(numbers)}", "WRITE_TRUNCATE").result(timeout=20)
    with pytest.raises(BadRequest):
        load(bq, partition, other, f"other_{next(numbers)}").result(timeout=20)
    assert query(bq, f"SELECT id FROM {name} ORDER BY id") == [("a",), ("c",)]


def atomic_loads(bq: Any, _grpc: str) -> None:
    table = create_table(bq)
    fill(bq, table)
    with pytest.raises(BadRequest):
        load(bq, table, {"id": [None], "day": DAYS[:1]}, f"bad_{next(numbers)}", "WRITE_TRUNCATE").result(timeout=20)
    assert query(bq, f"SELECT COUNT(*) AS n FROM {table}") == [(2,)]
    own = load(bq, table, {"id": ["x"], "day": DAYS[:1]}, f"own_{next(numbers)}")
    assert own.result(timeout=20).output_rows == 1


def job_ids(bq: Any, _grpc: str) -> None:
    table = create_table(bq)
    job_id = fill(bq, table)
    assert bq.get_job(job_id).state == "DONE"
    with pytest.raises(Conflict):
        load(bq, table, {"id": ["x"], "day": DAYS[:1]}, job_id)
    mine = f"mine_{next(numbers)}"
    bq.query("SELECT 1", job_id=mine, retry=None, job_retry=None)
    with pytest.raises(Conflict):
        bq.query("SELECT 1", job_id=mine, retry=None, job_retry=None)


def streaming_inserts(bq: Any, _grpc: str) -> None:
    table = create_table(bq)
    row = {"id": "a", "day": "2025-01-01", "raw": {"x": 1}, "amount": "0.000000001"}
    bad = {"id": "b", "day": "no day"}
    for _ in range(2):
        assert bq.insert_rows_json(table, [row], row_ids=["once"], retry=None) == []
    errors = bq.insert_rows_json(table, [row, bad, {"id": "c"}], retry=None)
    assert [(error["index"], error["errors"][0]["reason"]) for error in errors] == [
        (0, "stopped"),
        (1, "invalid"),
        (2, "invalid"),
    ]
    assert query(bq, f"SELECT COUNT(*) AS n FROM {table}") == [(1,)]
