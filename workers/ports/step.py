"""What a processor is, what it is handed, and what it hands back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from attrs import field, frozen

from workers.model.bookmark import Bookmark
from workers.model.notice import Notice
from workers.model.pipeline import Step
from workers.model.run import Progress
from workers.model.secret import Secret
from workers.model.window import DateWindow
from workers.ports.plain import Clock, Schemas
from workers.ports.reading import Reading
from workers.ports.source import Source
from workers.ports.vault import Vault
from workers.ports.warehouse import Warehouse


class Log(Protocol):
    """Structured log of one step."""

    def info(self, event: str, **fields: Any) -> Any:
        """Constant message, data in fields."""

    def warning(self, event: str, **fields: Any) -> Any:
        """Likewise."""


@frozen
class StepContext:
    """All that a processor is handed, made by the runner for one attempt of one step.

    `checkpoint` is kept for a later attempt, which finds it in `saved`; `endpoint(provider)` is the provider's API as
    configs/system/providers.yml declares it; `message(text)` is shown to whoever watches the run; `secret` is the
    vault's; `bookmark()` is what this step of this pipeline handed back last; `warehouse_as(provider)` opens the
    organisation's own tables in BigQuery with its credential, for as long as the step runs, with jobs in the
    credential's project unless another is named; without a provider the service reads as itself what its operator,
    and never a caller, named. `notify` has something told when the run has ended, and waits for
    nobody to hear it.
    """

    org: str
    run_id: UUID
    run_date: date
    window: DateWindow
    step: Step
    variables: Mapping[str, Any]
    schemas: Schemas
    warehouse: Warehouse
    secret: Callable[..., Awaitable[Secret]]
    vault: Vault
    endpoint: Callable[[str], Any]
    reading: Reading
    checkpoint: Callable[[Mapping[str, Any]], Awaitable[None]]
    progress: Callable[[Progress], Awaitable[None]]
    message: Callable[[str], Awaitable[None]]
    bookmark: Callable[[], Awaitable[Bookmark]]
    warehouse_as: Callable[..., Awaitable[Source]]
    notify: Callable[[Notice], Awaitable[None]]
    log: Log
    clock: Clock
    force_refresh: bool = False
    saved: Mapping[str, Any] = field(factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(factory=dict)


@frozen
class StepResult:
    """What a step did: rows and bytes handled, and what it has to report beside them (JSON-ready).

    `bookmark` is how far it has read, for later runs of the pipeline: kept in the commit of the outcome.
    """

    rows: int = 0
    bytes: int = 0
    output: Mapping[str, Any] = field(factory=dict)
    bookmark: Bookmark | None = None


class Engine(Protocol):
    """A processor's object: `Config` is the attrs class of its `config:` block."""

    Config: type[Any]

    async def execute(self, config: Any, ctx: StepContext) -> StepResult:
        """Do the step. Raises FailedError, SnoozeError; anything else is a fault of the processor."""
