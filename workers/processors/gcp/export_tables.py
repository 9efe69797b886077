"""Where an organisation's Cloud Billing export is: as the run says, else as stored with its credential. Pure."""

from __future__ import annotations

import json
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


@frozen
class Granted:
    """Tables that the service itself may read, and the accounts in them that are the organisation's."""

    tables: tuple[TablePath, ...]
    accounts: tuple[str, ...]


def granted_tables(org: str, text: str | None) -> Granted:
    """Read what the operator declared for an organisation; raises FailedError(CONFIG_INVALID)."""
    path = granted_file(org)
    try:
        said = json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        raise _invalid(f"configs/{path} is not JSON") from None
    if not isinstance(said, dict):
        raise _invalid(f"configs/{path} has to name project, dataset, tables and billing_accounts of the export")
    accounts = said.get("billing_accounts")
    if not isinstance(accounts, list) or not accounts or not all(isinstance(one, str) and one for one in accounts):
        raise _invalid(f"configs/{path} names no billing_accounts, without which nothing is an organisation's own")
    return Granted(export_tables(ExportDeclared(), {STORED_AS: said}, ""), tuple(accounts))


def granted_file(org: str) -> str:
    """Name the file below configs/ in which an operator declares an export that the service may read."""
    return f"orgs/{org}/billing_export.json"


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
