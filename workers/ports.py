"""Promises the outside engines keep: what runtime and processors may ask, and nothing of how it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from attrs import field, frozen

from workers.model.lease import (
    Added,
    Beat,
    Depth,
    KnownKey,
    Lease,
    Mark,
    NewRun,
    Parcel,
    Position,
    QuotaCount,
)
from workers.model.page import Page, Read, Receipt
from workers.model.pipeline import Step
from workers.model.run import Progress, Run, RunEvent, RunStatus
from workers.model.secret import Secret
from workers.model.table import TableSchema
from workers.model.window import DateWindow

Row = Mapping[str, Any]
Failpoint = Callable[[str], None]


class Clock(Protocol):
    """Time, passed in. Leases live on the database's clock, never on this one."""

    def now(self) -> datetime:
        """Wall time, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Intake(Protocol):
    """The part of the journal that callers reach.

    Every method raises FailedError(SERVICE_UNAVAILABLE) when the journal is away or its answer stays unknown.
    """

    async def add(self, new: NewRun) -> Added:
        """Accept a run durably, in one commit, exactly once for a key.

        Raises FailedError with IDEMPOTENCY_MISMATCH, QUOTA_EXCEEDED, QUEUE_FULL (both with retry_after), or
        SERVICE_UNAVAILABLE when the global bound is reached.
        """

    async def find_key(self, org: str, idempotency_key: str) -> KnownKey | None:
        """Return the run that the key stands for."""

    async def find_run(self, org: str, run_id: UUID) -> Run | None:
        """Return the run with its steps; None when absent or another organisation's."""

    async def list_runs(
        self,
        org: str,
        *,
        pipeline_id: str = "",
        status: RunStatus | None = None,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 20,
    ) -> tuple[Run, ...]:
        """Return runs without steps, newest first, older than `before`."""

    async def events(self, run_id: UUID, after: int, limit: int = 500) -> tuple[RunEvent, ...]:
        """Return stored events with a larger sequence, in order."""

    async def cancel(self, org: str, run_id: UUID) -> Run | None:
        """Cancel a waiting run, ask a running one to stop, return an ended one as it is; None when absent."""

    async def position(self, org: str, run_id: UUID) -> Position | None:
        """Return where a live run stands; None when it is not live."""

    async def audit(self, entry: Row) -> None:
        """Hand an audit row to the outbox."""

    async def take(self, key: str, *, per_minute: float, burst: int, amount: int = 1) -> float:
        """Take from a rate budget that all replicas share; return 0 when taken, else seconds until it could be."""


class Dispatch(Protocol):
    """The part of the journal that workers reach."""

    async def claim(self, worker: str, free: int) -> tuple[Lease, ...]:
        """Lease up to `free` runs fairly; each is RUNNING (or CANCELLING) with its attempt counted."""

    async def heartbeat(self, worker: str, held: Mapping[UUID, int]) -> tuple[Beat, ...]:
        """Renew leases given as run → fence; what is missing from the answer is lost."""

    async def record(self, lease: Lease, *marks: Mark) -> None:
        """Write marks in order, in one commit; raises StaleFenceError when the lease is not the run's any more."""

    async def snooze(self, lease: Lease, delay: float, why: str) -> None:
        """Give the slot back and take the run up again after `delay` seconds; its attempt is restored."""

    async def release(self, worker: str) -> int:
        """Give every lease of a stopping worker back, attempts restored; return how many."""

    async def recover(self, worker: str) -> int:
        """Take back the leases of this worker's crashed former self; return how many."""

    async def declare(self, config_hash: str, source: str) -> None:
        """Keep a declaration for the runs that are pinned to it."""

    async def declaration(self, config_hash: str) -> str | None:
        """Return a kept declaration."""

    def on_wake(self, call: Callable[[], None]) -> None:
        """Call this when work may have come, here or on another replica. A missed call only costs a poll."""


class Upkeep(Protocol):
    """The part of the journal that keeps it in order."""

    async def reap(self) -> int:
        """Take back expired leases and wake what is due; return how many leases were taken back."""

    async def sweep(self) -> tuple[str, ...]:
        """Compare lane counters with counts and repair; return what was wrong, in words."""

    async def prune(self, before: datetime) -> int:
        """Delete runs that ended earlier, with all they own; return how many."""

    async def parcels(self, kind: str, limit: int) -> tuple[Parcel, ...]:
        """Return the oldest unpublished batch of a kind; seal a new one of up to `limit` parcels when there is none."""

    async def published(self, parcels: Sequence[int]) -> None:
        """Forget parcels that are in the warehouse."""

    async def runs(self, run_ids: Sequence[UUID]) -> tuple[Run, ...]:
        """Return runs with their steps, of any organisation, for publishing."""

    async def quotas(self, keys: Sequence[tuple[str, date]]) -> tuple[QuotaCount, ...]:
        """Return counters of organisations and days."""

    def lead(self, role: str) -> AbstractAsyncContextManager[bool]:
        """Hold the fleet-wide lock of a role while inside; False when another replica has it."""

    async def depth(self) -> Depth:
        """Return how much waits and runs."""

    async def ping(self) -> datetime:
        """Return the database's time."""


class Journal(Intake, Dispatch, Upkeep, Protocol):
    """The durable record of every run."""


@frozen
class Written:
    """What a write to the warehouse did; `adopted` says that an earlier attempt had already done it."""

    rows: int
    bytes_billed: int = 0
    adopted: bool = False


@frozen
class Answer:
    """Rows of a query, and what it cost."""

    rows: tuple[Row, ...]
    bytes_billed: int = 0


@frozen
class Authority:
    """On whose behalf the warehouse writes: an older `run_seq` or an older `fence` of the same run writes nothing."""

    org: str
    dataset: str
    run_id: UUID
    run_seq: int
    fence: int
    step_id: str


class Load(Protocol):
    """Rows on their way into a table: spooled and staged as they come, visible only after `publish`."""

    async def write(self, rows: Sequence[Row]) -> None:
        """Take rows; they may be of any number. Raises FailedError(DATA_INVALID) naming row and column."""

    async def publish(self, *, complete: bool = True) -> Written:
        """Replace the window by what was written, atomically.

        An empty answer empties the window only when `complete`; raises FailedError with STALE_RUN, SHRINK_HELD,
        WAREHOUSE_UNAVAILABLE, WAREHOUSE_QUOTA or WAREHOUSE_REJECTED.
        """


class Warehouse(Protocol):
    """One organisation's dataset, on one step's authority: it cannot name another.

    SQL names tables as `{dataset}.table`, and central ones as `{central}.table`; values are parameters.
    """

    async def ensure(self, table: TableSchema) -> None:
        """Create the table or add its missing NULLABLE columns; FailedError(SCHEMA_CONFLICT) names a difference."""

    def restate(
        self, table: TableSchema, window: DateWindow | None, scope: Row | None = None, *, allow_shrink: bool = False
    ) -> AbstractAsyncContextManager[Load]:
        """Replace the days of `window` (all of the table when None) among rows that match `scope` (column → value)."""

    def append(self, table: TableSchema) -> AbstractAsyncContextManager[Load]:
        """Add rows to an append-only table, once for the step's authority."""

    async def transform(
        self, table: TableSchema, window: DateWindow | None, sql: str, parameters: Row, scope: Row | None = None
    ) -> Written:
        """Replace the days of `window` by what the SELECT in `sql` gives, fenced and atomic like a load."""

    async def query(self, sql: str, parameters: Row) -> Answer:
        """Run a SELECT."""


class CentralWarehouse(Protocol):
    """The platform's own dataset."""

    async def query(self, sql: str, parameters: Row) -> Answer:
        """Run a SELECT; raises FailedError(WAREHOUSE_UNAVAILABLE)."""

    async def ensure(self, table: TableSchema) -> None:
        """As `Warehouse.ensure`."""

    async def append(self, table: TableSchema, rows: Sequence[Row], batch: str) -> None:
        """Add rows by a load job, once for the name of the batch."""

    async def merge(self, table: TableSchema, rows: Sequence[Row], keys: Sequence[str], batch: str) -> None:
        """Insert or update rows by their keys, from a stage."""


class Warehouses(Protocol):
    """The way to both."""

    def of(self, authority: Authority) -> Warehouse:
        """Return the organisation's dataset, bound to an authority."""

    def central(self) -> CentralWarehouse:
        """Return the platform's dataset."""


class Keys(Protocol):
    """Sealing and opening small secrets with bound additional data.

    Raises FailedError with CREDENTIAL_INVALID (does not open) or CREDENTIAL_UNAVAILABLE (retryable).
    """

    async def encrypt(self, plaintext: bytes, bound: bytes) -> bytes:
        """Seal."""

    async def decrypt(self, ciphertext: bytes, bound: bytes) -> bytes:
        """Open."""


class Schemas(Protocol):
    """Schema and SQL files below configs/."""

    def table(self, name: str) -> TableSchema:
        """Return the declared table; raises FailedError(CONFIG_INVALID) when there is none."""

    def sql(self, path: str) -> str:
        """Return the text of a .sql file, by its path below configs/."""

    def text(self, path: str) -> str | None:
        """Return the text of any other file below configs/ (a price CSV), None when there is none."""


class Reading(Protocol):
    """One step's way to REST APIs, with its credential, budget and receipts wired in."""

    def pages(self, read: Read) -> AsyncIterator[Page]:
        """Yield pages until the last. Raises FailedError with a PROVIDER_ reason, or SnoozeError for a long wait."""


@frozen
class Wiring:
    """What a reading is made of: how a secret is found, how a budget is taken, where receipts go."""

    secret: Callable[[str], Awaitable[Secret]]
    take: Callable[[str, float, int], Awaitable[float]]
    receipt: Callable[[Receipt], Awaitable[None]]
    budget_key: str
    user_agent: str = "data-pipeline-service/1.0"


class Reader(Protocol):
    """Opens readings; one session per step, nothing shared but breakers and retry budgets."""

    def open(self, wiring: Wiring) -> AbstractAsyncContextManager[Reading]:
        """Open a reading for one step."""


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
    configs/system/providers.yml declares it; `message(text)` is shown to whoever watches the run.
    """

    org: str
    run_id: UUID
    run_date: date
    window: DateWindow
    step: Step
    variables: Mapping[str, Any]
    schemas: Schemas
    warehouse: Warehouse
    secret: Callable[[str], Awaitable[Secret]]
    endpoint: Callable[[str], Any]
    reading: Reading
    checkpoint: Callable[[Mapping[str, Any]], Awaitable[None]]
    progress: Callable[[Progress], Awaitable[None]]
    message: Callable[[str], Awaitable[None]]
    log: Log
    clock: Clock
    force_refresh: bool = False
    saved: Mapping[str, Any] = field(factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(factory=dict)


@frozen
class StepResult:
    """What a step did: rows and bytes handled, and what it has to report beside them (JSON-ready)."""

    rows: int = 0
    bytes: int = 0
    output: Mapping[str, Any] = field(factory=dict)


class Engine(Protocol):
    """A processor's object: `Config` is the attrs class of its `config:` block."""

    Config: type[Any]

    async def execute(self, config: Any, ctx: StepContext) -> StepResult:
        """Do the step. Raises FailedError, SnoozeError; anything else is a fault of the processor."""
