"""Every repair of the emulator, by name, in the order they are applied.

One file each: its docstring says what is wrong as released, its function puts it right, and a check under
`tests/repairs` fails without it. When a newer release passes that check, the repair goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.bigquery.repairs.append_offsets import append_offsets
from sandbox.bigquery.repairs.append_records import append_records
from sandbox.bigquery.repairs.atomic_loads import atomic_loads
from sandbox.bigquery.repairs.bounded_results import bounded_results
from sandbox.bigquery.repairs.dry_run_parses import dry_run_parses
from sandbox.bigquery.repairs.error_message_variable import error_message_variable
from sandbox.bigquery.repairs.exact_division import exact_division
from sandbox.bigquery.repairs.job_history import job_history
from sandbox.bigquery.repairs.job_ids import job_ids
from sandbox.bigquery.repairs.legacy_type_names import legacy_type_names
from sandbox.bigquery.repairs.loads_by_name import loads_by_name
from sandbox.bigquery.repairs.missing_datasets import missing_datasets
from sandbox.bigquery.repairs.multipart_uploads import multipart_uploads
from sandbox.bigquery.repairs.native_transactions import native_transactions
from sandbox.bigquery.repairs.no_spatial import no_spatial
from sandbox.bigquery.repairs.no_time_travel import no_time_travel
from sandbox.bigquery.repairs.numeric_scale import numeric_scale
from sandbox.bigquery.repairs.one_write_lock import one_write_lock
from sandbox.bigquery.repairs.partition_decorators import partition_decorators
from sandbox.bigquery.repairs.procedure_bodies import procedure_bodies
from sandbox.bigquery.repairs.procedure_options import procedure_options
from sandbox.bigquery.repairs.query_errors import query_errors
from sandbox.bigquery.repairs.quoted_identifiers import quoted_identifiers
from sandbox.bigquery.repairs.request_cursors import request_cursors
from sandbox.bigquery.repairs.required_columns import required_columns
from sandbox.bigquery.repairs.routine_options import routine_options
from sandbox.bigquery.repairs.schema_patches import schema_patches
from sandbox.bigquery.repairs.script_parameters import script_parameters
from sandbox.bigquery.repairs.streaming_inserts import streaming_inserts
from sandbox.bigquery.repairs.table_expirations import table_expirations
from sandbox.bigquery.repairs.typed_parameters import typed_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_IN_ORDER: tuple[Callable[[], None], ...] = (
    no_spatial,
    job_history,
    numeric_scale,
    exact_division,
    quoted_identifiers,
    bounded_results,
    no_time_travel,
    native_transactions,
    typed_parameters,
    script_parameters,
    error_message_variable,
    procedure_bodies,
    procedure_options,
    routine_options,
    dry_run_parses,
    missing_datasets,
    schema_patches,
    required_columns,
    legacy_type_names,
    table_expirations,
    multipart_uploads,
    loads_by_name,
    partition_decorators,
    atomic_loads,
    streaming_inserts,
    append_records,
    append_offsets,
    query_errors,
    job_ids,
    # What wraps whole requests comes last; the session is outermost, so that the write section finds its cursor.
    one_write_lock,
    request_cursors,
)
REPAIRS = {function.__name__.replace("_", "-"): function for function in _IN_ORDER}
# These act before the emulator answers: one without them does not start offline, or cannot be asked the difference.
START_UP = frozenset({"no-spatial", "job-history"})


def apply_repairs(without: Collection[str] = ()) -> None:
    """Repair the emulator in this process, before its server is made. KeyError names an unknown exception."""
    if unknown := set(without) - REPAIRS.keys():
        raise KeyError(f"no such repair: {', '.join(sorted(unknown))}")
    for name, repair in REPAIRS.items():
        if name not in without:
            repair()
