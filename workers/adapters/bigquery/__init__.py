"""BigQuery behind the ports `Warehouses`, `Warehouse`, `Load`, `CentralWarehouse`, `Sources` and `Source`.

The path of a row: `load` → `records`, `columns` (checked, typed) → `spool` (Parquet) → `staging` (a table for each
file) → `publishing` of what `promotion` wrote down (one fenced transaction). `jobs` makes each step of it happen once.

A stored procedure makes temporary tables only: `calling` says the CALL, and the same transaction publishes what it
made, so that a procedure needs no ledger, no transaction and no right to any table of an organisation.

A window may lose rows, but not four fifths of twenty or more: such an answer, an empty one included, is held unless
the caller allows it. A complete empty answer empties smaller windows; an incomplete one replaces only days it has,
or what it says it reached.

Status: decided. Context: attempts of a run repeat work, answers get lost, and what two attempts read may differ; yet
a table must hold one complete version. Decision: a stage for each file, named with its load job by run, step and
content: same content, same job; other content never meets it in one stage. Publishing is one transaction that asks
the ledger of the dataset first. Lineage columns are filled in by that transaction, so that they do not change the
content. Price: a table is made and dropped for every 16 MiB, and every transaction of a dataset changes its ledger:
BigQuery cancels one of two at once, so they take turns within a process and are repeated across processes.
"""

from workers.adapters.bigquery.client import connect
from workers.adapters.bigquery.rendering import STATEMENTS
from workers.adapters.bigquery.source import BigQuerySources
from workers.adapters.bigquery.warehouses import BigQueryWarehouses

__all__ = ["STATEMENTS", "BigQuerySources", "BigQueryWarehouses", "connect"]
