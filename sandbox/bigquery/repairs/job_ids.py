"""Repair: the job id a client gives to an upload is ignored, and a second use of any job id runs the job again.

A client whose answer was lost could not ask what became of its job, nor submit it again without doing it twice.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from bqemulator.api.routes import jobs, upload
from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.catalog.models import JobMeta
from bqemulator.domain.errors import AlreadyExistsError, ErrorDetail

from sandbox.bigquery.patching import wrap, wrap_route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_running: dict[tuple[str, str], JobMeta] = {}
_uploaded_as: ContextVar[str | None] = ContextVar("uploaded_as", default=None)
_REFERENCE = "jobReference"


def job_ids() -> None:
    """Run a job under the id the client gave, once; let it be found while it runs."""
    wrap_route(jobs.router, jobs.insert_job, _insert_once)
    wrap(upload, "_load_configuration_from_envelope", _keep_reference)
    wrap(upload, "_run_load", _load_once)
    wrap(upload, "_new_job_id", lambda mint: _uploaded_as.get() or mint())
    wrap(DuckDBCatalogRepository, "get_job", _find)
    wrap_route(jobs.router, jobs.get_query_results, _results_when_done)


async def _insert_once(insert: Callable[..., Any], **given: Any) -> Any:
    body = await given["request"].json()
    job_id = body.get(_REFERENCE, {}).get("jobId")
    configuration = body.get("configuration", {})
    if job_id is None or configuration.get("dryRun"):
        return await insert(**given)
    with _once(given["ctx"], given["project_id"], job_id, configuration):
        return await insert(**given)


def _keep_reference(read: Callable[..., Any], envelope: dict[str, Any]) -> Any:
    """Let the reference travel with the configuration, which is all that an upload session remembers."""
    return {**read(envelope), _REFERENCE: envelope.get(_REFERENCE) or {}}


async def _load_once(load: Callable[..., Any], *, configuration: dict[str, Any], **given: Any) -> Any:
    job_id = configuration.get(_REFERENCE, {}).get("jobId")
    plain = {key: value for key, value in configuration.items() if key != _REFERENCE}
    if job_id is None:
        return await load(configuration=plain, **given)
    _uploaded_as.set(job_id)
    with _once(given["ctx"], given["project_id"], job_id, plain):
        return await load(configuration=plain, **given)


def _find(get_job: Callable[..., Any], catalog: Any, project_id: str, job_id: str) -> Any:
    return get_job(catalog, project_id, job_id) or _running.get((project_id, job_id))


def _results_when_done(results: Callable[..., Any], **given: Any) -> Any:
    project_id, job_id = given["project_id"], given["job_id"]
    if (project_id, job_id) not in _running:
        return results(**given)
    return {
        "kind": "bigquery#getQueryResultsResponse",
        _REFERENCE: {"projectId": project_id, "jobId": job_id, "location": "US"},
        "jobComplete": False,
    }


@contextlib.contextmanager
def _once(ctx: Any, project_id: str, job_id: str, configuration: dict[str, Any]) -> Iterator[None]:
    if ctx.catalog.get_job(project_id, job_id) is not None:
        message = f"Already Exists: Job {project_id}:US.{job_id}"
        raise AlreadyExistsError(message, details=[ErrorDetail(reason="duplicate", message=message)])
    now = ctx.clock.now()
    _running[project_id, job_id] = JobMeta(
        project_id=project_id,
        job_id=job_id,
        job_type="LOAD" if "load" in configuration else "QUERY",
        state="RUNNING",
        configuration=configuration,
        creation_time=now,
        start_time=now,
        etag=job_id,
    )
    try:
        yield
    finally:
        del _running[project_id, job_id]
