"""Where an organisation's Cloud Billing export is: as the run says, else as stored with its credential. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from workers.model.failure import Code, FailedError, Reason, refused
from workers.model.table_path import TablePath

STORED_AS = "billing_export"
"""The member of a credential's metadata: {project, dataset, tables}."""

_MOST_TABLES = 20
_EXPORT = re.compile(r"gcp_billing_export(?:_resource)?_v1_(\w+)\Z")


@frozen
class ExportDeclared:
    """A part that is null or empty is not said here."""

    project: str | None = None
    dataset: str | None = None
    table: str | None = None

    @property
    def settled(self) -> bool:
        """Whether the metadata need not be asked; the project may always be the credential's."""
        return bool(self.dataset and self.table)


def export_tables(declared: ExportDeclared, metadata: Mapping[str, Any], own_project: str) -> tuple[TablePath, ...]:
    """Return the tables; raises FailedError(CONFIG_INVALID) that says what is missing, and where it may be said."""
    stored = metadata.get(STORED_AS)
    known = stored if isinstance(stored, Mapping) else {}
    project = declared.project or known.get("project") or own_project
    dataset = declared.dataset or known.get("dataset")
    names = [declared.table] if declared.table else known.get("tables")
    lacking = [what for what, value in (("dataset", dataset), ("table", names)) if not value]
    if lacking:
        raise _invalid(
            f"the {' and the '.join(lacking)} of the billing export are not known: give export_dataset and "
            f"export_table to the run, or store {{project, dataset, tables}} as {STORED_AS} in the metadata of the "
            "credential"
        )
    if not isinstance(names, list) or len(names) > _MOST_TABLES:
        raise _invalid(f"the tables of the billing export are not a list of {_MOST_TABLES} at most")
    try:
        found = tuple(TablePath(str(project), str(dataset), str(name)) for name in dict.fromkeys(names))
    except ValueError as error:
        raise _invalid(f"the billing export is not named by names: {error}") from None
    _refuse_doubles(found)
    return found


def _refuse_doubles(tables: tuple[TablePath, ...]) -> None:
    """Refuse the standard and the detailed export of one account: they hold the same cost."""
    accounts: dict[str, TablePath] = {}
    for table in tables:
        export = _EXPORT.match(table.table)
        if export is None:
            continue
        other = accounts.setdefault(export[1], table)
        if other is not table:
            raise _invalid(f"{other.table} and {table.table} hold the same cost; name one of them")


def _invalid(message: str) -> FailedError:
    return refused(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, message)
