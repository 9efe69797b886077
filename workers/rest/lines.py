"""Rows of text one after another, NDJSON and CSV, read from a file that is never held."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import IO, Any

from attrs import define

from workers.rest.document import DocumentError, at, parse

LONGEST_LINE = 8 * 1024 * 1024


def json_rows(file: IO[bytes], data_path: str) -> Iterator[Mapping[str, Any]]:
    """Yield the object that stands at a path of each line. Raises DocumentError naming the line."""
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


def csv_rows(file: IO[bytes], delimiter: str) -> Iterator[Mapping[str, Any]]:
    """Yield rows of text; an empty field is null. Raises DocumentError."""
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
