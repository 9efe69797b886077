"""One read of a declared step on its own: the step's engine, the real reader, and nowhere to write."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Protocol, cast
from uuid import UUID

import structlog
from attrs import frozen

from workers.catalog import Catalog
from workers.model.bookmark import Bookmark
from workers.model.inference import InferenceError, infer_columns
from workers.model.page import Page, Receipt
from workers.model.pipeline import Pipeline, Step
from workers.model.resolve import run_variables
from workers.model.run import Progress
from workers.model.secret import Secret
from workers.ports import Clock, StepContext, Wiring
from workers.rest import Egress, RestReader


class TrialError(ValueError):
    """Why there is nothing to try."""


@frozen
class Trial:
    """What to read: rows of the step of a pipeline, as a run of `org` with the `given` parameters would."""

    catalog: Catalog
    path: str
    step: str
    rows: int
    org: str
    given: Mapping[str, Any]
    egress: str
    run_id: UUID


@frozen
class Tried:
    """What came: rows, and of the pages they stood on what a receipt says; `following` is what asks for the next."""

    rows: tuple[Mapping[str, Any], ...]
    pages: int
    bytes: int
    url: str
    following: str
    columns: Mapping[str, str]


class Previewing(Protocol):
    """An engine whose reading can be tried."""

    def preview(self, config: Any, ctx: StepContext) -> AsyncGenerator[Page, None]:
        """Yield the pages that a run would read first."""


async def try_read(
    trial: Trial, clock: Clock, credential: Callable[[str], str], replaced: Callable[[str, str], None]
) -> Tried:
    """Read until there are enough rows; raises TrialError, or FailedError or SnoozeError as a run would.

    `replaced` is given what a provider has put in the place of a credential: the old one is good for nothing then.
    """
    pipeline, step = _step_of(trial)
    inputs = trial.catalog.inputs(pipeline, trial.given, clock.now().date())
    variables = run_variables(
        pipeline,
        org=trial.org,
        run_id=trial.run_id,
        run_date=inputs.run_date,
        window=inputs.window,
        parameters=inputs.parameters,
    )
    reader = RestReader(Egress.parse(trial.egress), clock, lambda: 0.5)
    try:
        async with reader.open(_wiring(credential, replaced)) as reading:
            ctx = StepContext(
                org=trial.org,
                run_id=trial.run_id,
                run_date=inputs.run_date,
                window=inputs.window,
                step=step,
                variables=variables,
                schemas=trial.catalog.schemas,
                endpoint=trial.catalog.endpoint,
                reading=reading,
                log=structlog.get_logger(),
                clock=clock,
                **_nothing_else(),
            )
            engine = cast("Previewing", trial.catalog.engine(step.ps_type))
            return await _collected(engine.preview(trial.catalog.config(step, variables), ctx), trial.rows)
    finally:
        reader.close()


def _step_of(trial: Trial) -> tuple[Pipeline, Step]:
    pipeline = trial.catalog.pipelines.get(trial.path)
    if pipeline is None:
        raise TrialError(f"there is no pipeline {trial.path!r}")
    steps = [step for step in pipeline.steps if hasattr(trial.catalog.engine(step.ps_type), "preview")]
    named = [step for step in steps if step.step_id == trial.step] if trial.step else steps
    if len(named) != 1:
        listed = ", ".join(step.step_id for step in steps) or "none"
        raise TrialError(f"name one step that reads an API with --step: {listed}")
    return pipeline, named[0]


async def _collected(pages: AsyncGenerator[Page, None], most: int) -> Tried:
    rows: list[Mapping[str, Any]] = []
    last: Page | None = None
    count = size = 0
    async with aclosing(pages):
        async for page in pages:
            rows += page.rows[: most - len(rows)]
            last = page
            count += not page.partial
            size += 0 if page.partial else page.receipt.bytes
            if len(rows) >= most:
                break
    if last is None:
        raise TrialError("the parent has no row, and so there is no child to read")
    names = dict.fromkeys(name for row in rows for name in row)
    try:
        columns = {column.name: column.type for column in infer_columns(rows, names)}
    except InferenceError as error:
        raise TrialError(str(error)) from None
    following = "more of this page" if last.partial else last.receipt.next_cursor
    return Tried(tuple(rows), count, size, last.receipt.url, following, columns)


def _wiring(credential: Callable[[str], str], replaced: Callable[[str, str], None]) -> Wiring:
    async def secret(name: str, _secret_key: str = "") -> Secret:
        return Secret(credential(name))

    async def take(_key: str, _per_minute: float, _burst: int) -> float:
        return 0.0

    async def receipt(_done: Receipt) -> None:
        return None

    async def store(provider: str, secret: Secret) -> None:
        replaced(provider, secret.reveal())

    return Wiring(secret, take, receipt, "test-read", store=store)


class _Nowhere:
    """A test read writes nothing and keeps nothing: whoever tries has a fault."""


def _nothing_else() -> dict[str, Any]:
    async def told(_text: str) -> None:
        return None

    async def further(_progress: Progress) -> None:
        return None

    async def unread() -> Bookmark:
        return Bookmark()

    nowhere: Any = _Nowhere()
    return {
        "bookmark": unread,
        "warehouse_as": nowhere,
        "notify": nowhere,
        "warehouse": nowhere,
        "secret": nowhere,
        "vault": nowhere,
        "checkpoint": nowhere,
        "progress": further,
        "message": told,
    }
