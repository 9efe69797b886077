"""Repair: jobs.query answers 200 with the error inside, a failed job's results are "not found", RAISE is a 500.

Clients take the first for an empty result, the second for a job that never was, and retry the third for minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.api.routes import jobs
from bqemulator.domain.errors import DomainError, InvalidQueryError
from bqemulator.jobs import executor
from bqemulator.scripting.exceptions import ScriptRaise
from fastapi.responses import JSONResponse

from sandbox.bigquery.patching import wrap_everywhere, wrap_route

if TYPE_CHECKING:
    from collections.abc import Callable

_STATUS = {"notFound": 404, "duplicate": 409, "accessDenied": 403}
_BAD_REQUEST = 400


def query_errors() -> None:
    """Answer a query that fails with the 4xx BigQuery gives, wherever its result is asked for."""
    wrap_route(jobs.router, jobs.query, _query_or_error)
    wrap_route(jobs.router, jobs.get_query_results, _results_or_error)
    wrap_everywhere(executor.execute_query_job, _without_crashes)


async def _query_or_error(query: Callable[..., Any], **given: Any) -> Any:
    answer = await query(**given)
    return _error(answer["errors"][0]) if answer.get("errors") else answer


def _results_or_error(results: Callable[..., Any], **given: Any) -> Any:
    job = given["ctx"].catalog.get_job(given["project_id"], given["job_id"])
    return _error(job.error_result) if job is not None and job.error_result else results(**given)


def _error(error: dict[str, Any]) -> JSONResponse:
    code = _STATUS.get(error["reason"], _BAD_REQUEST)
    body = {"code": code, "message": error["message"], "errors": [error]}
    return JSONResponse(status_code=code, content={"error": body})


async def _without_crashes(execute: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return await execute(*args, **kwargs)
    except DomainError:
        raise
    except ScriptRaise as raised:
        raise raised.error from raised
    except Exception as error:
        raise InvalidQueryError(str(error)) from error
