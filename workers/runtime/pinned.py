"""The declaration that a run is pinned to."""

from __future__ import annotations

from workers.catalog import Catalog
from workers.model.failure import Code, Reason, refused
from workers.model.pipeline import Pipeline
from workers.model.run import Run
from workers.ports import Dispatch


async def pinned(run: Run, catalog: Catalog, dispatch: Dispatch) -> Pipeline:
    """Return the declaration the run was accepted with, whatever configs/ says by now.

    Raises FailedError(CONFIG_INVALID) when it is not kept, or does not fit what it stands on any more.
    """
    current = catalog.find(run.provider, run.domain, run.pipeline)
    if current is not None and current.config_hash == run.config_hash:
        return current
    source = await dispatch.declaration(run.config_hash)
    if source is None:
        message = "the declaration this run was accepted with is not kept any more"
        raise refused(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, message)
    path = "/".join(part for part in (run.provider, run.domain, run.pipeline) if part)
    return catalog.parse(path, source)
