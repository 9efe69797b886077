"""Rows one after another, NDJSON and CSV: kept in a file while they come, then parsed a thousand at a time."""

from __future__ import annotations

import csv
import io
import itertools
import tempfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from attrs import define

from workers.model.body import BodyFormat
from workers.rest.document import DocumentError, at, parse

ROWS_AT_ONCE = 1000
BYTES_AT_ONCE = 8 * 1024 * 1024
LONGEST_LINE = 8 * 1024 * 1024

Rows = tuple[Mapping[str, Any], ...]


class LineFile:
    """The body of one answer on disk, without a name; blocks, as files do. Close it."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by whoever reads it
        self._digest = sha256()
        self.bytes = 0

    def write(self, piece: bytes) -> None:
        """Take a piece of the body."""
        self._file.write(piece)
        self._digest.update(piece)
        self.bytes += len(piece)

    @property
    def sha256(self) -> str:
        """The digest of all that was written."""
        return self._digest.hexdigest()

    def parts(self, form: BodyFormat, data_path: str) -> Iterator[Rows]:
        """Yield its rows, none of them when it is empty. Raises DocumentError."""
        self._file.seek(0)
        rows = _csv_rows(self._file, form.delimiter) if form.kind == "csv" else _json_rows(self._file, data_path)
        while part := tuple(self._some(rows)):
            yield part

    def _some(self, rows: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        most = self._file.tell() + BYTES_AT_ONCE
        for row in itertools.islice(rows, ROWS_AT_ONCE):
            yield row
            if self._file.tell() > most:
                return

    def close(self) -> None:
        """Let the file go; closing twice does no harm."""
        self._file.close()


def _json_rows(file: IO[bytes], data_path: str) -> Iterator[Mapping[str, Any]]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise DocumentError(f"has a line of more than {LONGEST_LINE} bytes: {number}")
        if line.isspace():
            continue
        try:
            row = at(parse(line), data_path)
        except DocumentError as error:
            raise DocumentError(f"has a line that {error}: line {number}") from None
        if not isinstance(row, dict):
            raise DocumentError(f"has a line without an object: line {number}")
        yield row


def _csv_rows(file: IO[bytes], delimiter: str) -> Iterator[Mapping[str, Any]]:
    """Yield rows of text; an empty field is null."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    source = _Bounded(text)
    try:
        lines = csv.reader(source, delimiter=delimiter, strict=True)
        header = next(lines, [])
        if header and (not all(header) or len(set(header)) < len(header)):
            raise DocumentError("has a header with an empty or a repeated name")
        source.row = 0
        for row in lines:
            source.row = 0
            if len(row) != len(header) and row:
                raise DocumentError(f"has {len(row)} fields where its header has {len(header)}: line {lines.line_num}")
            if row:
                yield {name: value or None for name, value in zip(header, row, strict=True)}
    except csv.Error:
        raise DocumentError(f"is not CSV: line {lines.line_num}") from None
    except UnicodeError:
        raise DocumentError("is not valid UTF-8") from None
    finally:
        text.detach()


@define
class _Bounded:
    """Lines of a text, whose row, of one line or of several that a quoted field joins, cannot grow without end."""

    text: io.TextIOWrapper
    row: int = 0

    def __iter__(self) -> Iterator[str]:
        while line := self.text.readline(LONGEST_LINE + 1):
            self.row += len(line)
            if self.row > LONGEST_LINE:
                raise DocumentError(f"has a row of more than {LONGEST_LINE} characters")
            yield line
