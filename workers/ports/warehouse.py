"""Tables: an organisation's dataset on one step's authority, and the platform's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Protocol, TypeVar
from uuid import UUID

from attrs import field, frozen

from workers.model.quality import Audited, Expectation
from workers.model.table import TableSchema
from workers.model.window import DateWindow
from workers.ports.plain import Row
from workers.ports.routines import Routines

T = TypeVar("T")


@frozen
class Written:
    """What a write to the warehouse did; `adopted` says that an earlier attempt had already done it.

    `superseded` days are not among it: a newer run has written them, and they stay as they are. Where all of a table
    or scope was to be replaced, it counts as one day.
    """

    rows: int
    bytes_billed: int = 0
    adopted: bool = False
    superseded: int = 0


@frozen
class Answer:
    """Rows of a query, and what it cost."""

    rows: tuple[Row, ...]
    bytes_billed: int = 0


@frozen
class Authority:
    """On whose behalf the warehouse writes.

    An older `fence` of a run writes nothing more; an older `run_seq` nothing over what a newer one wrote.
    """

    org: str
    dataset: str
    run_id: UUID
    run_seq: int
    fence: int
    step_id: str


async def _unheard(_audited: Audited) -> None:
    return


@frozen
class Expected:
    """What a step expects of whatever it publishes, beside what the declarations of its tables do.

    `day` is the run's, against which the age of rows is measured; `heard` is told what every audit found.
    """

    day: date
    expectations: tuple[Expectation, ...] = ()
    heard: Callable[[Audited], Awaitable[None]] = _unheard


@frozen
class Reached:
    """What an answer that is not complete speaks of: rows with one of these values of a STRING column."""

    column: str
    values: tuple[str, ...]


@frozen
class Publication:
    """A temporary table that a procedure makes, and the days of a table that its rows replace."""

    made: str
    table: TableSchema
    window: DateWindow | None
    scope: Row = field(factory=dict)
    allow_shrink: bool = False


@frozen
class Called:
    """What a procedure answered, under which job, and what was published of what it made."""

    rows: tuple[Row, ...]
    job_id: str
    written: Written


class Batch(Protocol):
    """Rows in columns, as an engine has read them and the warehouse takes them; nobody between looks inside."""

    @property
    def num_rows(self) -> int:
        """How many rows there are."""

    @property
    def nbytes(self) -> int:
        """How much memory they take."""


class Load(Protocol):
    """Rows on their way into a table: spooled and staged as they come, visible only after `publish`."""

    async def write(self, rows: Sequence[Row]) -> None:
        """Take rows; they may be of any number. Raises FailedError(DATA_INVALID) naming row and column."""

    async def write_batch(self, batch: Batch) -> None:
        """Take rows in columns, each named and typed as the table's; JSON is text. Raises likewise."""

    async def widen(self, table: TableSchema) -> None:
        """Take rows of a table with more NULLABLE columns from now on; those before have null there.

        The table itself has to be ensured as it becomes.
        """

    async def publish(self, *, complete: bool = True, reached: Reached | None = None) -> Written:
        """Replace the window by what was written, atomically.

        An empty answer empties the window only when `complete`; days that a newer run has written are left to it. Of
        an answer that `reached` only some values of a column, rows with others stay as they are, and are not written.
        Raises FailedError with DATA_QUALITY_FAILED when the rows are not as expected, STALE_RUN when a newer attempt of
        this run has written, SHRINK_HELD, WAREHOUSE_UNAVAILABLE, WAREHOUSE_QUOTA or WAREHOUSE_REJECTED.
        """


class Warehouse(Protocol):
    """One organisation's dataset, on one step's authority: it cannot name another.

    SQL names tables as `{dataset}.table`, and central ones as `{central}.table`; values are parameters.
    """

    async def ensure(self, table: TableSchema) -> None:
        """Create the table or add its missing NULLABLE columns; FailedError(SCHEMA_CONFLICT) names a difference."""

    async def describe(self, name: str) -> TableSchema | None:
        """Return a table as it is now, None when there is none."""

    def restate(
        self,
        table: TableSchema,
        window: DateWindow | None,
        scope: Row | None = None,
        *,
        allow_shrink: bool = False,
        keys: Sequence[str] = (),
    ) -> AbstractAsyncContextManager[Load]:
        """Replace the days of `window` (all of the table when None) among rows that match `scope` (column → value).

        Of rows with the same `keys`, here and in the others, the one written last counts.
        """

    def append(self, table: TableSchema, *, keys: Sequence[str] = ()) -> AbstractAsyncContextManager[Load]:
        """Add rows to an append-only table, once for the step's authority."""

    def merge(self, table: TableSchema, keys: Sequence[str], whose: str) -> AbstractAsyncContextManager[Load]:
        """Insert or update rows by their keys, which may not be null.

        `whose` names who merges into the table (a pipeline's step): where a newer run of it has merged, an older one
        only adds rows that are not there. Raises FailedError(DATA_INVALID) for a key without a value.
        """

    async def transform(
        self,
        table: TableSchema,
        window: DateWindow | None,
        sql: str,
        parameters: Row,
        scope: Row | None = None,
        *,
        allow_shrink: bool = False,
        most_bytes: int | None = None,
    ) -> Written:
        """Replace the days of `window` by what the SELECT in `sql` gives, fenced and atomic like a load.

        One that would bill more than `most_bytes` is refused.
        """

    async def append_query(self, table: TableSchema, sql: str, parameters: Row) -> Written:
        """Add what a SELECT gives to an append-only table, once for the step's authority."""

    async def merge_query(
        self, table: TableSchema, keys: Sequence[str], whose: str, sql: str, parameters: Row
    ) -> Written:
        """Insert or update what a SELECT gives by keys, as `merge`; no two of its rows may have the same."""

    async def query(self, sql: str, parameters: Row) -> Answer:
        """Run a SELECT."""

    async def call(
        self, procedure: str, arguments: Row, publications: Sequence[Publication] = (), told: str = ""
    ) -> Called:
        """Call a stored procedure, and publish all that it made in one transaction, fenced like a load.

        A procedure that takes `p_dataset` is given the organisation's own; it cannot be given another. `told` names
        the temporary table that holds the answer; without publications the answer is the procedure's last SELECT.
        Raises FailedError: PROCEDURE_NOT_FOUND, CONFIG_INVALID when the arguments are not the procedure's,
        DATA_INVALID in the procedure's words, or as `Load.publish`.
        """


class CentralWarehouse(Protocol):
    """The platform's own dataset."""

    async def query(self, sql: str, parameters: Row) -> Answer:
        """Run a SELECT; raises FailedError(WAREHOUSE_UNAVAILABLE)."""

    async def read(self, sql: str, parameters: Row, make: Callable[[Iterable[Row]], T]) -> T:
        """Run a SELECT with an answer too large to hold, and return what `make` makes of it; raises likewise.

        The rows come page by page, in a thread kept for this, and are not to be held; `make` is called again with all
        of them when a page could not be read.
        """

    async def execute(self, script: str, parameters: Row) -> Answer:
        """Run a script that writes, and return the rows of its last statement; raises FailedError.

        Two scripts that change the same table at once are put in order. A caller that does not get to know the
        outcome calls again, so a script has to find out what it has done already.
        """

    async def ensure(self, table: TableSchema) -> None:
        """As `Warehouse.ensure`."""

    async def append(self, table: TableSchema, rows: Sequence[Row], batch: str) -> None:
        """Add rows by a load job, once for the name of the batch."""

    async def merge(self, table: TableSchema, rows: Sequence[Row], keys: Sequence[str], batch: str) -> None:
        """Insert or update rows by their keys, from a stage."""


class Warehouses(Protocol):
    """The way to both."""

    def of(self, authority: Authority, expected: Expected | None = None) -> Warehouse:
        """Return the organisation's dataset, bound to an authority and to what is expected of its rows."""

    def central(self) -> CentralWarehouse:
        """Return the platform's dataset."""

    def routines(self) -> Routines:
        """Return the stored procedures of the platform's dataset."""
