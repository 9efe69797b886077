from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from workers.adapters.bigquery.records import Records
from workers.adapters.bigquery.spool import GROUP_BYTES, Spool
from workers.model.failure import FailedError
from workers.model.table import Column

RECORDS = Records("t", (Column("n", "INT64"), Column("amount", "NUMERIC")))


def rows(count: int) -> list[dict[str, int]]:
    return [{"n": n, "amount": n} for n in range(count)]


def test_the_same_rows_make_the_same_file(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        spool = Spool(tmp_path / name, RECORDS)
        spool.add(rows(10))
        files.append(spool.finish())
    first, second = files
    assert first is not None
    assert second is not None
    assert (first.sha256, first.rows, first.number) == (second.sha256, 10, 0)


def test_a_file_is_handed_on_as_soon_as_it_is_large(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", RECORDS, rotate_bytes=1)
    files = [spool.add(rows(3)), spool.add(rows(2))]
    assert [(file.number, file.rows) for file in files if file] == [(0, 3), (1, 2)]
    assert spool.finish() is None


def test_batches_become_few_row_groups_in_their_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", RECORDS)
    for start in range(0, 2000, 100):
        spool.add([{"n": n, "amount": n} for n in range(start, start + 100)])
    file = spool.finish()
    assert file is not None
    assert pq.ParquetFile(file.path).metadata.num_row_groups == 1
    assert pq.read_table(file.path)["n"].to_pylist() == list(range(2000))


def test_a_group_is_written_before_it_is_large(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", Records("t", (Column("text", "STRING"),)))
    for _ in range(3):
        spool.add([{"text": "x" * 1000} for _ in range(GROUP_BYTES // 1000 + 1)])
    file = spool.finish()
    assert file is not None
    assert pq.ParquetFile(file.path).metadata.num_row_groups == 3


def test_amounts_keep_their_scale_in_the_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", RECORDS)
    spool.add(rows(1))
    file = spool.finish()
    assert file is not None
    assert str(pq.read_schema(file.path).field("amount").type) == "decimal128(38, 9)"


def test_closing_leaves_nothing_and_nothing_comes_after(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", RECORDS)
    spool.add(rows(3))
    spool.close()
    assert spool.add(rows(3)) is None
    assert spool.finish() is None
    assert list(tmp_path.iterdir()) == []


def test_a_refused_batch_counts_for_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", RECORDS)
    spool.add(rows(3))
    for _ in range(2):
        with pytest.raises(FailedError, match="row 4 "):
            spool.add([{"n": "x"}])
