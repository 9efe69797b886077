"""`table_config` of a destination: how a table that is made from rows is partitioned and clustered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import frozen

from workers.model.table import IDENTIFIER, TableSchema

_KEYS = frozenset({"partition", "clustering", "expiration_days"})
_MOST_CLUSTERING = 4
_DAYS = range(1, 36_501)


@frozen
class TableLayout:
    """By the day of which column, clustered by which, and for how many days."""

    partition: str | None = None
    clustering: tuple[str, ...] = ()
    expiration_days: int | None = None

    @classmethod
    def of(cls, declared: Mapping[str, Any]) -> Self:
        """Read it; raises ValueError."""
        unknown = sorted(set(map(str, declared)) - _KEYS)
        if unknown:
            raise ValueError(f"'destination' has an unknown key in table_config: {unknown[0][:80]!r}")
        partition, clustering = declared.get("partition"), declared.get("clustering", [])
        days = declared.get("expiration_days")
        names = [*([] if partition is None else [partition]), *(clustering if isinstance(clustering, list) else [None])]
        if not all(isinstance(name, str) and IDENTIFIER.match(name) for name in names):
            raise ValueError("'destination' has a table_config whose partition and clustering are no columns")
        if len(names) > _MOST_CLUSTERING + (partition is not None):
            raise ValueError(f"'destination' has more than {_MOST_CLUSTERING} columns of clustering")
        if days is not None and (isinstance(days, bool) or days not in _DAYS or partition is None):
            raise ValueError("'destination' has expiration_days that are no days, or no partition to expire")
        return cls(partition, tuple(clustering), days)

    def laid_out(self, table: TableSchema) -> TableSchema:
        """Return the table so laid out; raises ValueError when a column is not there or of no use for it."""
        for name in self.clustering:
            if table.column(name) is None:
                raise ValueError(f"there is no column {name} to cluster by")
        column = table.column(self.partition) if self.partition else None
        if self.partition and (column is None or column.type not in {"DATE", "TIMESTAMP"}):
            raise ValueError(f"there is no DATE or TIMESTAMP column {self.partition} to partition by: see schema.types")
        return TableSchema(
            table.name, table.columns, self.partition, self.expiration_days, self.clustering, table.description
        )
