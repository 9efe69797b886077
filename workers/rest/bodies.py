"""Bodies of answers as they come: short ones in memory, long ones in a file whose rows are handed on in parts.

Lines always come in parts, JSON does when its read allows it, is long, and has its rows where they are found on the
way: at plain keys, with nothing else to be looked for among them.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

from attrs import frozen

from workers.model.body import BodyFormat
from workers.model.page import Read
from workers.model.pagination import CursorPages, LinkPages
from workers.rest.document import DocumentError, rows_at
from workers.rest.elements import Elements
from workers.rest.expressions import plain_keys
from workers.rest.lines import csv_rows, json_rows

ROWS_AT_ONCE = 1000
BYTES_AT_ONCE = 8 * 1024 * 1024
LONG_JSON = 8 * 1024 * 1024
_PIECE = 512 * 1024

Rows = tuple[Mapping[str, Any], ...]


class BodyFile:
    """The body of one answer on disk, without a name; blocks, as files do. Close it.

    `value` is, once all parts were read, what a JSON document holds beside its rows.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by whoever reads it
        self._digest = sha256()
        self.bytes = 0
        self.value: Any = None

    def write(self, piece: bytes | bytearray) -> None:
        """Take a piece of the body."""
        self._file.write(piece)
        self._digest.update(piece)
        self.bytes += len(piece)

    @property
    def sha256(self) -> str:
        """The digest of all that was written."""
        return self._digest.hexdigest()

    def parts(self, form: BodyFormat, data_path: str) -> Iterator[Rows]:
        """Return an iterator over its rows, none of them when it is empty. Raises DocumentError."""
        self._file.seek(0)
        match form.kind:
            case "csv":
                return self._of_lines(csv_rows(self._file, form.delimiter))
            case "ndjson":
                return self._of_lines(json_rows(self._file, data_path))
            case _:
                return self._of_document(data_path)

    def close(self) -> None:
        """Let the file go; closing twice does no harm."""
        self._file.close()

    def _of_lines(self, rows: Iterator[Mapping[str, Any]]) -> Iterator[Rows]:
        while part := tuple(_some(rows, self._file.tell)):
            yield part

    def _of_document(self, path: str) -> Iterator[Rows]:
        elements = Elements(iter(lambda: self._file.read(_PIECE), b""), plain_keys(path) or ())
        found = iter(elements)
        while part := tuple(_some(found, lambda: elements.chars)):
            if not all(isinstance(row, dict) for row in part):
                raise DocumentError(f"has no list of objects {f'at {path!r}' if path else 'at the top'}")
            yield part
        self.value = elements.value
        rows_at(self.value, path)


def _some(rows: Iterator[Mapping[str, Any]], place: Callable[[], int]) -> Iterator[Mapping[str, Any]]:
    most = place() + BYTES_AT_ONCE
    for row in itertools.islice(rows, ROWS_AT_ONCE):
        yield row
        if place() > most:
            return


@frozen
class Shelf:
    """Where bodies are kept: beyond `most_held` bytes, where a read allows it, in a file below `folder`.

    Without a folder files are in the system's own place for them.
    """

    folder: Path | None = None
    most_held: int = LONG_JSON

    def keeping(self, read: Read) -> Keeping:
        """Return what takes the body of one answer."""
        held = self.most_held if _in_parts(read) else read.endpoint.limits.page_bytes
        return Keeping(self.folder, bytearray() if read.form.kind == "json" else BodyFile(self.folder), held)


class Keeping:
    """Takes a body while it comes; `body` is what there is of it."""

    def __init__(self, folder: Path | None, body: bytearray | BodyFile, most_held: int) -> None:
        self._folder = folder
        self._most_held = most_held
        self.body = body

    def take(self, piece: bytes) -> None:
        """Take a piece."""
        body = self.body
        if isinstance(body, BodyFile):
            body.write(piece)
            return
        body.extend(piece)
        if len(body) > self._most_held:
            self.body = BodyFile(self._folder)
            self.body.write(body)

    def close(self) -> None:
        """Let go what was taken."""
        if isinstance(self.body, BodyFile):
            self.body.close()


def _in_parts(read: Read) -> bool:
    if not read.in_parts or read.single_object or any(HTTPStatus.OK in rule.statuses for rule in read.rules):
        return False
    places = [read.data_path, read.total_path, *read.page_fields]
    match read.pagination:
        case CursorPages(path=path, more_path=more_path):
            places += [path, more_path]
        case LinkPages(path=path):
            places.append(path)
        case _:
            pass
    return all(plain_keys(place) is not None for place in places)
