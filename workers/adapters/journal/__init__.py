"""The journal over Postgres: `migrate(url)` prepares a database, `PostgresJournal.open(url, …)` works on it.

Decision: every operation is one statement, most of them a function in migrations/, and so one transaction and one
round trip. Context: accepting, claiming and recording each want many rows under locks for as short as possible, and a
client that hangs must never hold them. Price: rules stand in PL/pgSQL, and a change of a rule is a new migration.

Decision: only claims write lanes; others leave notices (migrations/0002). Context: accepting and finishing hold their
locks through a disk flush, and a claim that skips locked lanes would starve beside them. Price: a lane's counter is
read together with its notices.
"""

from __future__ import annotations

from workers.adapters.journal.journal import PostgresJournal
from workers.adapters.journal.migrate import MigrationError, migrate, unsoundness

__all__ = ["MigrationError", "PostgresJournal", "migrate", "unsoundness"]
