"""Repair: a dry run of a script runs it, and a dry run of a query runs it in full to learn its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.api.routes import jobs
from bqemulator.jobs.executor import classify_statement_type
from bqemulator.scripting.ast import SqlStmt
from bqemulator.scripting.parser import parse_script

from sandbox.bigquery.patching import wrap

if TYPE_CHECKING:
    from collections.abc import Callable


def dry_run_parses() -> None:
    """Parse a script without running it; plan a query for its columns without reading a row."""
    wrap(jobs, "_dry_run_response", _plan)


async def _plan(respond: Callable[..., Any], *, bq_sql: str, **given: Any) -> Any:
    statements = parse_script(bq_sql).statements
    if len(statements) == 1 and isinstance(statements[0], SqlStmt):
        return await respond(bq_sql=_without_rows(statements[0].sql), **given)
    is_query = given["wire_shape"] == "query"
    job = {} if is_query else {"jobId": given["job_id"], "location": "US"}
    return {
        "kind": "bigquery#queryResponse" if is_query else "bigquery#job",
        "jobReference": {"projectId": given["project_id"], **job},
        "jobComplete": True,
        "statementType": "SCRIPT",
        "schema": {"fields": []},
        "rows": [],
        "totalRows": "0",
        "totalBytesProcessed": "0",
        "cacheHit": False,
    }


def _without_rows(sql: str) -> str:
    return f"SELECT * FROM ({sql}) LIMIT 0" if classify_statement_type(sql) == "SELECT" else sql  # noqa: S608
