"""What a step of `generic.api_extractor` may say, checked key by key when the service starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, gt, le, max_len, min_len, optional

from workers.model.fields import Contract
from workers.model.increment import DATE, INTEGER, CursorKind
from workers.model.pipeline import Destination
from workers.model.table import IDENTIFIER
from workers.processors.generic.declared_read import (
    AuthDeclared,
    ReadDeclared,
    Scalar,
    are_places,
    between,
    is_credential,
    is_parameter,
    is_place,
)
from workers.processors.generic.layouts import TableLayout
from workers.processors.generic.names import NAME, check_names

ColumnType = Literal[
    "STRING", "INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "BOOL", "DATE", "DATETIME", "TIME", "TIMESTAMP", "JSON"
]  # fmt: skip

_MOST_SECONDS = 600


@frozen
class RateLimitDeclared:
    """How fast all runs together may ask with one credential; `burst` requests may go at once."""

    requests_per_second: float = field(default=5.0, validator=and_(gt(0), le(1000)))
    burst: int | None = field(default=None, validator=optional(between(1, 10_000)))
    retry_on_429: bool = True


@frozen
class SchemaDeclared:
    """What becomes of fields without a column: `evolve` adds one, `freeze` is an error, `raw` keeps them in `raw`.

    `ignore` lists fields to leave out; `types` says what a column that is made from rows is to be.
    """

    contract: Contract | None = None
    ignore: tuple[str, ...] = field(default=(), validator=max_len(1000))
    types: Mapping[str, ColumnType] = field(factory=dict, validator=max_len(1000))


@frozen
class IncrementalDeclared:
    """How a step reads on from where its last run ended.

    With `until_param` by days: `param` says the first instant, `until_param` the one after the last (with
    `until_included` the last day itself), at most `max_days` new ones a run. Else by value: `param` says the largest
    one seen so far at `cursor_path` of the rows. `start` is where the first run begins, and what lies `lookback_days`
    before the end of the last run is read again.
    """

    param: str = field(validator=is_parameter)
    until_param: str = field(default="", validator=is_parameter)
    until_included: bool = False
    cursor_path: str = field(default="", validator=is_place)
    type: Literal["date", "timestamp", "unix", "unix_ms", "integer"] = "timestamp"
    start: str = ""
    lookback_days: int = field(default=0, validator=between(0, 366))
    max_days: int | None = field(default=None, validator=optional(between(1, 3660)))

    def __attrs_post_init__(self) -> None:
        if bool(self.until_param) is bool(self.cursor_path):
            raise ValueError("either 'until_param' (by days) or 'cursor_path' (by value) says how to read on")
        if self.max_days and not self.until_param:
            raise ValueError("'max_days' needs an until_param: else nothing bounds what is read")
        if self.type == INTEGER and (self.until_param or self.lookback_days):
            raise ValueError("'type' integer reads on by value, and knows no days")
        if self.until_included and self.type != DATE:
            raise ValueError("'until_included' goes with type date")
        self._check_start()

    def _check_start(self) -> None:
        try:
            if self.start:
                self.kind.read(int(self.start) if self.type == INTEGER else self.start)
        except ValueError:
            raise ValueError(f"'start' is not a value of type {self.kind.kind}") from None

    @property
    def kind(self) -> CursorKind:
        """How its values are read and written; days are days whatever the API wants."""
        return CursorKind(DATE if self.until_param else self.type)


@frozen(kw_only=True)
class ParentDeclared(ReadDeclared):
    """A read whose rows each lead to a read of their own: `/:name` and `":name"` in its url, path and params.

    `fields` says where the names stand in a parent's row; those of `include` become fields of the child's rows, too.
    """

    fields: Mapping[str, str] = field(validator=[min_len(1), max_len(20), are_places])
    include: tuple[str, ...] = ()
    concurrency: int = field(default=4, validator=between(1, 4))

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        for name in self.fields:
            if not NAME.fullmatch(name):
                raise ValueError(f"'fields' are called by letters, digits and underscores, not {name[:80]!r}")
        absent = [name for name in self.include if name not in self.fields]
        if absent:
            raise ValueError(f"'include' names no field of the parent: {absent[0][:80]!r}")


@frozen(kw_only=True)
class ExtractorDeclared(ReadDeclared):
    """The whole `config:` of a step.

    `flatten` gives rows fields that stand deeper in them, by their places; `add_fields` some that are the same for all.
    """

    destination: Destination
    provider: str = field(default="", validator=is_credential)
    auth: AuthDeclared = field(factory=lambda: AuthDeclared("none"))
    rate_limit: RateLimitDeclared = RateLimitDeclared()
    schema: SchemaDeclared = SchemaDeclared()
    flatten: Mapping[str, str] = field(factory=dict, validator=[max_len(200), are_places])
    add_fields: Mapping[str, Scalar] = field(factory=dict, validator=max_len(200))
    incremental: IncrementalDeclared | None = None
    parent: ParentDeclared | None = None
    timeout_seconds: float = field(default=60.0, validator=and_(gt(0), le(_MOST_SECONDS)))
    max_page_mb: int = field(default=64, validator=between(1, 1024))
    allow_shrink: bool = False

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._check_provider()
        self._check_destination()
        if self.incremental:
            self._check_incremental(self.incremental)
        if self.parent:
            check_names(self, self.parent)

    def _check_provider(self) -> None:
        below = [one for one in (self, self.parent) if one and one.path]
        if bool(below) is not bool(self.provider):
            raise ValueError("'provider' names whose base URL a path is below")
        if self.provider and (self.auth.type != "none" or not all(one.path for one in (self, self.parent) if one)):
            raise ValueError("'provider' brings its own address and auth, for the parent as well")

    def _check_destination(self) -> None:
        table, keys = self.destination.table, self.destination.key_fields
        if not IDENTIFIER.match(table) or table.startswith("__"):
            raise ValueError(f"'destination' names a table that is none: {table[:80]!r}")
        for key in keys:
            if not IDENTIFIER.match(key):
                raise ValueError(f"'destination' has a key field that is no column: {key[:80]!r}")
        TableLayout.of(self.destination.table_config)

    def _check_incremental(self, incremental: IncrementalDeclared) -> None:
        mode = self.destination.write_mode
        if mode == "append":
            raise ValueError("'incremental' reads some rows again: write_mode merge, or overwrite by days")
        if mode == "overwrite" and not incremental.until_param:
            raise ValueError("'incremental' by value gives a part of the table: write_mode merge")
