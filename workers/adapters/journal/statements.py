"""The journal's SQL, read from the files beside this one: statements by name, migrations by number."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from attrs import frozen

_FOLDER = Path(__file__).parent
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@frozen
class Migration:
    """One step of the schema; a checksum tells whether its file changed after it was applied."""

    version: int
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@cache
def statements() -> Mapping[str, str]:
    """Return every statement of queries/*.sql by its name."""
    found: dict[str, str] = {}
    for file in sorted((_FOLDER / "queries").glob("*.sql")):
        parts = _NAME.split(file.read_text())
        for name, sql in zip(parts[1::2], parts[2::2], strict=True):
            if name in found:
                raise ValueError(f"{file.name}: the name {name} stands twice")
            found[name] = sql.strip()
    return found


@cache
def migrations() -> tuple[Migration, ...]:
    """Return migrations/NNNN_*.sql in order, numbered from 1 without gaps."""
    files = sorted((_FOLDER / "migrations").glob("*.sql"))
    found = tuple(Migration(int(file.name[:4]), file.read_text()) for file in files)
    if [step.version for step in found] != list(range(1, len(found) + 1)):
        raise ValueError("migrations are not numbered from 1 without gaps")
    return found
