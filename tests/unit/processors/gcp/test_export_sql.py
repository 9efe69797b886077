"""The SELECTs over an export, by what its table is like."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from attrs import evolve

from sandbox.billing.export import Export
from sandbox.billing.tables import fields
from workers.adapters.bigquery.source import column_names
from workers.catalog import Catalog
from workers.model.table_path import TablePath
from workers.ports import SourceTable
from workers.processors.gcp.export_sql import ExportSql, all_rows, clauses

DETAILED, STANDARD = (Export("A", detailed=detailed) for detailed in (True, False))
PATH = TablePath("acme-billing", "export", "gcp_billing_export_v1_A")
CATALOG = Catalog.load(Path("configs"))
TABLE = CATALOG.schemas.table("gcp_billing_daily_raw")
STATEMENTS, COLUMNS = (
    clauses(CATALOG.schemas.sql(f"gcp/cost/sql/{name}.sql")) for name in ("billing_export", "billing_columns")
)


def sql(export: Export = DETAILED, *, by_arrival: bool = False, without: str = "-") -> ExportSql:
    names = frozenset(name for name in column_names(fields(export)) if not name.startswith(without))
    return ExportSql(PATH, SourceTable(names, "EU", by_arrival), STATEMENTS, COLUMNS)


def nulls(text: str) -> set[str]:
    return set(re.findall(r"CAST\(NULL AS \w+\) AS `(\w+)`", text))


def test_every_column_of_the_table_is_asked_for_once_in_order() -> None:
    asked = re.findall(r"AS `(\w+)`", sql().rows(TABLE))
    filled_in = {"org_slug", "run_id", "ingested_at", "source_hash"}
    assert asked == [column.name for column in TABLE.columns if column.name not in filled_in]
    assert nulls(sql().rows(TABLE)) == set()


def test_the_standard_export_has_no_resource() -> None:
    assert nulls(sql(STANDARD).rows(TABLE)) == {"resource_name", "resource_global_name"}


def test_an_older_table_lacks_what_was_added_since() -> None:
    assert nulls(sql(without="price").rows(TABLE)) == {"price_json"}
    assert nulls(sql(without="cost_at").rows(TABLE)) == {name for name in COLUMNS if name.startswith("cost_at")}


def test_a_table_that_is_no_export_is_refused() -> None:
    with pytest.raises(ValueError, match=r"gcp_billing_export_v1_A has no column usage_start_time"):
        sql(without="usage_start").rows(TABLE)


def test_days_of_arrival_are_partitions() -> None:
    found = sql(by_arrival=True)
    for text in (found.days, found.rows(TABLE)):
        assert "DATE(_PARTITIONTIME) AS" in text
        assert "WHERE _PARTITIONTIME >= TIMESTAMP(@first_day) AND _PARTITIONTIME < " in text
        assert "FROM `acme-billing`.`export`.`gcp_billing_export_v1_A`" in text


def test_of_a_granted_export_only_named_accounts_are_meant_and_json_stays_json() -> None:
    granted = evolve(sql(), granted=True)
    for text in (granted.days, granted.rows(TABLE)):
        assert "AND billing_account_id IN UNNEST(@billing_accounts)" in text
    kinds = {column.name: column.type for column in TABLE.columns}
    assert set(re.findall(r"PARSE_JSON\(.*\) AS `(\w+)`", granted.rows(TABLE))) == {
        name for name, kind in kinds.items() if kind == "JSON"
    }
    assert all_rows([granted, granted], TABLE).count("UNION ALL") == 1


def test_without_days_of_arrival_those_of_the_export_count() -> None:
    assert "_PARTITIONTIME" not in sql().days + sql().rows(TABLE)
    assert "LIMIT" not in sql().rows(TABLE)
