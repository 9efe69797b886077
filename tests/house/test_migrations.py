"""Migrations are only added: a database that has applied one would refuse to start with it changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

HERE = Path(__file__).parent
MIGRATIONS = HERE.parents[1] / "workers" / "adapters" / "journal" / "migrations"


def listed() -> dict[str, str]:
    lines = (HERE / "migrations.sha256").read_text().splitlines()
    return {name: checksum for checksum, name in (line.split() for line in lines)}


def test_every_migration_is_what_it_was_when_it_was_listed() -> None:
    """A new one is added to the list: `sha256sum *.sql` in the folder of migrations; a listed one never changes."""
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in MIGRATIONS.glob("*.sql")}
    assert found == listed()
