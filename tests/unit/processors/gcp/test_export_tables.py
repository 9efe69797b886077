"""Where an export is said to be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workers.model.failure import FailedError, Reason
from workers.processors.gcp.export_tables import ExportDeclared, export_tables, granted_tables

A, B = "gcp_billing_export_v1_0A0000_000000_00000A", "gcp_billing_export_v1_0A0000_000000_00000B"
DETAILED = A.replace("_v1", "_resource_v1")
STORED = {"billing_export": {"dataset": "billing", "tables": [A, B]}}


def found(declared: ExportDeclared, metadata: Any = STORED) -> list[str]:
    return [str(path) for path in export_tables(declared, metadata, "own-project")]


def test_what_is_stored_with_the_credential_counts() -> None:
    assert found(ExportDeclared(None, "", None)) == [f"own-project.billing.{A}", f"own-project.billing.{B}"]


def test_what_the_run_says_counts_more() -> None:
    assert found(ExportDeclared("their-project", None, "t")) == ["their-project.billing.t"]
    stored = {"billing_export": {"project": "kept-project", "dataset": "d", "tables": [A]}}
    assert found(ExportDeclared(dataset="other"), stored) == [f"kept-project.other.{A}"]


@pytest.mark.parametrize(
    ("declared", "metadata", "why"),
    [
        (ExportDeclared(), {}, "the dataset and the table of the billing export are not known: give export_dataset"),
        (ExportDeclared(dataset="d"), {"billing_export": "?"}, "the table of the billing export are not known"),
        (ExportDeclared(), {"billing_export": {"dataset": "d", "tables": "t"}}, "not a list"),
        (ExportDeclared("p-1", "d", "t` WHERE"), {}, "is not an identifier"),
        (ExportDeclared("p`", "d", "t"), {}, "is not a project id"),
        (ExportDeclared(), {"billing_export": {"dataset": "d", "tables": [A, DETAILED]}}, "hold the same cost"),
    ],
)  # fmt: skip
def test_what_names_no_export_is_refused(declared: ExportDeclared, metadata: Any, why: str) -> None:
    with pytest.raises(FailedError, match=why) as raised:
        found(declared, metadata)
    assert raised.value.failure.reason is Reason.CONFIG_INVALID


GRANT = {"project": "platform-billing", "dataset": "all", "tables": [A], "billing_accounts": ["0A0000-000000-00000A"]}


def test_what_an_operator_grants_is_some_accounts_of_some_tables() -> None:
    granted = granted_tables("acme", json.dumps(GRANT))
    assert [str(path) for path in granted.tables] == [f"platform-billing.all.{A}"]
    assert granted.accounts == ("0A0000-000000-00000A",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "has to name project, dataset, tables and billing_accounts"),
        ("[]", "has to name"),
        ("{", "is not JSON"),
        (json.dumps({**GRANT, "billing_accounts": []}), "names no billing_accounts"),
        (json.dumps({**GRANT, "billing_accounts": [""]}), "names no billing_accounts"),
        (json.dumps({**GRANT, "project": ""}), "is not a project id"),
    ],
)
def test_a_grant_without_accounts_or_tables_is_none(text: str | None, why: str) -> None:
    with pytest.raises(FailedError, match=why) as raised:
        granted_tables("acme", text)
    assert raised.value.failure.reason is Reason.CONFIG_INVALID
