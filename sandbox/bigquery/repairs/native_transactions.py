"""Repair: BEGIN TRANSACTION copies tables aside and ROLLBACK copies them back.

Readers see every statement before COMMIT, a rollback in an exception handler restores nothing, and a process killed
in between leaves half of the transaction for good.
"""

# ruff: noqa: SLF001  the interpreter keeps its transaction in private attributes

from __future__ import annotations

import contextlib
from typing import Any

import duckdb
import sqlglot
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.scripting.exceptions import ReturnSignal
from bqemulator.scripting.interpreter import ScriptInterpreter, ScriptResult
from bqemulator.scripting.parser import parse_script
from sqlglot import exp

from sandbox.bigquery import sessions
from sandbox.bigquery.patching import patch

_OPEN: dict[str, str] = {}
_ABORTED: dict[str, str] = {}


def native_transactions() -> None:
    """Run transactions in DuckDB, in the session of the request: isolated, and gone when the process is."""
    patch(ScriptInterpreter, "run", _run)
    patch(ScriptInterpreter, "_handle_txn_statement", _control)
    patch(ScriptInterpreter, "_snapshot_dml_targets", _refuse_ddl)
    patch(ScriptInterpreter, "_drop_txn_snapshots", _enter_handler)


async def _run(running: Any, source: str) -> ScriptResult:
    """Run every statement; a transaction still open at the end is rolled back, as BigQuery does."""
    try:
        with contextlib.suppress(ReturnSignal):
            for statement in parse_script(source).statements:
                await running._exec_statement(statement)
    finally:
        if running._active_txn is not None:
            _abandon(running)
        if running._temp_routines is not None:
            running._temp_routines.cleanup()
    return ScriptResult(final_table=running._final_table, statements_executed=running._statements_executed)


async def _control(running: Any, statement: str) -> None:
    is_open, is_aborted = running._active_txn is not None, running._active_txn is _ABORTED
    if is_open == (statement == "BEGIN"):
        state = "a transaction is already in progress" if is_open else f"{statement} without an active transaction"
        raise InvalidQueryError(f"Transaction control error: {state}")
    if statement == "BEGIN":
        running._ctx.engine.connection.execute("BEGIN TRANSACTION")
        running._active_txn = _OPEN
    elif statement == "COMMIT" and not is_aborted:
        _commit(running)
    else:
        _abandon(running)
        if statement == "COMMIT":
            raise InvalidQueryError("Transaction is aborted due to an earlier error and was rolled back")


def _commit(running: Any) -> None:
    running._active_txn = None
    cursor = running._ctx.engine.connection
    try:
        cursor.execute("COMMIT")
    except duckdb.Error as error:
        sessions.rollback(cursor)
        raise InvalidQueryError(f"Transaction is aborted: {error}") from error


def _abandon(running: Any) -> None:
    sessions.rollback(running._ctx.engine.connection)
    running._active_txn = None


async def _enter_handler(running: Any) -> None:
    """Leave the transaction to the exception handler, in a usable state where the error aborted it in DuckDB."""
    if running._active_txn is None:
        return
    cursor = running._ctx.engine.connection
    try:
        cursor.execute("SELECT 1").fetchall()
    except duckdb.TransactionException:
        sessions.rollback(cursor)
        cursor.execute("BEGIN TRANSACTION")
        running._active_txn = _ABORTED


async def _refuse_ddl(_running: Any, sql: str) -> None:
    """BigQuery allows no DDL on permanent tables in a transaction; here it would leave the catalog behind."""
    with contextlib.suppress(sqlglot.errors.ParseError):
        tree = sqlglot.parse_one(sql, read="bigquery")
        is_temporary = any(True for _ in tree.find_all(exp.TemporaryProperty))
        if isinstance(tree, exp.Create | exp.Drop | exp.Alter) and not is_temporary:
            raise InvalidQueryError("DDL statements are not supported in a transaction, other than on temporary tables")
