"""Rows on disk between a provider and BigQuery: Parquet files that are rotated before they grow large.

Given a directory of its own and how rows become batches; hands on finished files with their hashes. Everything here
blocks and may be called from any thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import frozen

from workers.adapters.bigquery.records import Records
from workers.ports import Row

ROTATE_BYTES = 16 * 1024 * 1024
GROUP_BYTES = 4 * 1024 * 1024
BATCH_ROWS = 1000


@frozen
class SpoolFile:
    """A finished file: the `number`th of its load, from 0."""

    path: Path
    number: int
    rows: int
    sha256: str


class Spool:
    """Writes files one after another; once closed it writes nothing and leaves nothing.

    Batches wait in memory until they make a row group: one for each batch costs thrice the time and half again the
    space.
    """

    def __init__(self, directory: Path, records: Records, *, rotate_bytes: int = ROTATE_BYTES) -> None:
        self._directory = directory
        self._records = records
        self._rotate_bytes = rotate_bytes
        self._lock = Lock()
        self._closed = False
        self._rows = self._rows_in_file = self._files = 0
        self._group: list[pa.RecordBatch] = []
        self._group_bytes = min(GROUP_BYTES, rotate_bytes)
        self._sink: pa.NativeFile | None = None
        self._writer: pq.ParquetWriter | None = None

    def add(self, rows: Sequence[Row]) -> SpoolFile | None:
        """Write one batch; return the file when it has become large enough to load."""
        with self._lock:
            return None if self._closed else self._write(self._records.batch(rows, self._rows))

    def add_batch(self, batch: pa.RecordBatch) -> SpoolFile | None:
        """Write rows that come in columns; likewise."""
        with self._lock:
            return None if self._closed else self._write(self._records.fitted(batch, self._rows))

    def widen(self, records: Records) -> SpoolFile | None:
        """Go on with records of more columns, in a file of their own; return the one that ended."""
        with self._lock:
            ended = self._end_file() if self._writer is not None else None
            self._records = records
            return ended

    def finish(self) -> SpoolFile | None:
        """Return the last file, if rows are left."""
        with self._lock:
            return self._end_file() if self._writer is not None else None

    def close(self) -> None:
        """Remove everything that is left."""
        with self._lock:
            self._closed = True
            self._group.clear()
            with contextlib.suppress(OSError):  # what cannot be written any more is not wanted either
                self._end_writing()
            shutil.rmtree(self._directory, ignore_errors=True)

    def _write(self, batch: pa.RecordBatch) -> SpoolFile | None:
        writer = self._writer or self._open()
        self._group.append(batch)
        self._rows += batch.num_rows
        self._rows_in_file += batch.num_rows
        if sum(one.nbytes for one in self._group) >= self._group_bytes:
            self._end_group(writer)
        large = self._sink is not None and self._sink.tell() >= self._rotate_bytes
        return self._end_file() if large else None

    def _end_group(self, writer: pq.ParquetWriter) -> None:
        group, self._group = self._group, []
        if group:
            table = pa.Table.from_batches(group)
            writer.write_table(table, row_group_size=table.num_rows)

    def _open(self) -> pq.ParquetWriter:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._sink = pa.OSFile(str(self._path()), "wb")
        self._writer = pq.ParquetWriter(self._sink, self._records.schema, compression="zstd", store_schema=False)
        return self._writer

    def _path(self) -> Path:
        return self._directory / f"{self._files}.parquet"

    def _end_file(self) -> SpoolFile:
        if self._writer is not None:
            self._end_group(self._writer)
        self._end_writing()
        path = self._path()
        with path.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        ended = SpoolFile(path, self._files, self._rows_in_file, sha256)
        self._files += 1
        self._rows_in_file = 0
        return ended

    def _end_writing(self) -> None:
        writer, sink = self._writer, self._sink
        self._writer = self._sink = None
        if writer is not None and sink is not None:
            try:
                writer.close()
            finally:
                sink.close()
