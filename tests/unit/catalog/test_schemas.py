from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.catalog.conftest import Configs
from workers.model.failure import FailedError
from workers.model.quality import Check
from workers.model.table import Column, TableSchema

SCHEMA: dict[str, Any] = {
    "table": "users_daily_raw",
    "description": "Users.",
    "partition": {"field": "day", "type": "DAY", "expiration_days": 30},
    "clustering": ["id"],
    "columns": [
        {"name": "id", "type": "STRING", "mode": "REQUIRED", "description": "Who"},
        {"name": "day", "type": "DATE"},
    ],
}
ID, DAY = SCHEMA["columns"]


def test_a_schema_file_declares_a_table(configs: Configs) -> None:
    configs.write("vendor/cost/schemas/anything.json", json.dumps(SCHEMA))
    assert configs.load().schemas.table("users_daily_raw") == TableSchema(
        "users_daily_raw",
        (Column("id", "STRING", "REQUIRED", "Who"), Column("day", "DATE")),
        "day",
        30,
        ("id",),
        "Users.",
    )


def test_expectations_of_a_table_are_part_of_it(configs: Configs) -> None:
    configs.write("vendor/checks/odd.sql", "SELECT COUNT(*) FROM {rows}")
    said = [{"not_null": ["id", "day"]}, {"name": "odd", "severity": "warning", "sql": "vendor/checks/odd.sql"}]
    configs.write("vendor/cost/schemas/anything.json", json.dumps(SCHEMA | {"expectations": said}))
    whole, odd = configs.load().schemas.table("users_daily_raw").expectations
    assert (whole.name, whole.check, whole.columns, whole.critical) == (
        "not_null(id, day)",
        Check.NOT_NULL,
        ("id", "day"),
        True,
    )
    assert (odd.name, odd.critical, odd.sql) == ("odd", False, "SELECT COUNT(*) FROM {rows}")


def test_a_table_that_nobody_declares_is_refused(configs: Configs) -> None:
    with pytest.raises(FailedError, match="no schema file declares table 'absent'"):
        configs.load().schemas.table("absent")


def test_json_elsewhere_is_no_schema(configs: Configs) -> None:
    configs.write("vendor/notes.json", "[1, 2]")
    assert configs.load().schemas.text("vendor/notes.json") == "[1, 2]"


@pytest.mark.item("I126")
@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"expectations": [{"not_null": "who"}]}, "there is no column 'who' in users_daily_raw"),
        ({"expectations": [{"range": {"column": "id", "min": 0}}]}, "range cannot be said of id, REQUIRED STRING"),
        (
            {"expectations": [{"accepted_values": {"column": "id", "values": [1]}}]},
            "accepted_values cannot be said of id",
        ),
        (
            {"expectations": [{"accepted_values": {"column": "id", "values": [[]]}}]},
            "must be a text or a whole number or a number or true or false or null, not a list",
        ),
        ({"expectations": [{"freshness": {"column": "id", "max_age_hours": 1}}]}, "freshness cannot be said of id"),
        ({"expectations": [{"sql": "vendor/absent.sql"}]}, "there is no file 'vendor/absent.sql'"),
        ({"expectations": [{"row_count": {"total": "a.b"}}]}, "neither a table nor an output"),
        ({"columns": [ID, DAY, ID]}, "column id is there twice"),
        ({"columns": [ID, DAY, {**ID, "name": "ID"}]}, "column ID is there twice; case does not count"),
        ({"columns": [ID, {**DAY, "type": "DAY"}]}, "must be one of STRING, BYTES"),
        ({"columns": [ID, {**DAY, "mode": "MAYBE"}]}, "must be one of NULLABLE, REQUIRED, REPEATED"),
        ({"columns": [ID, DAY, {"name": "a.b", "type": "STRING"}]}, "'name' must be letters, digits and underscores"),
        ({"columns": [ID, DAY, {"name": "_PARTITIONTIME", "type": "DATE"}]}, "starts like a name that BigQuery keeps"),
        ({"columns": [ID, DAY, {"name": "x", "type": "STRING", "length": 3}]}, "unknown key 'length'"),
        ({"columns": [], "partition": None, "clustering": []}, "Length of 'columns' must be >= 1"),
        ({"columns": [ID]}, "there is no column 'day'"),
        ({"columns": [ID, {**DAY, "type": "STRING"}]}, "a partition column is one DATE or TIMESTAMP"),
        ({"partition": {"field": "day", "type": "HOUR"}}, "must be one of DAY"),
        ({"partition": {"field": "day", "expiration_days": 0}}, "'expiration_days' must be >= 1"),
        ({"clustering": ["who"]}, "there is no column 'who'"),
        ({"clustering": ["id"] * 5}, "Length of 'clustering' must be <= 4"),
        ({"columns": [{**ID, "type": "JSON"}, DAY]}, "a table cannot be clustered by id, REQUIRED JSON"),
        ({"table": "a.b"}, "'table' must be letters, digits and underscores"),
        ({"table": "`a`"}, "'table' must be letters, digits and underscores"),
        ({"table": "__mine"}, "a table must not start with __"),
        ({"tabel": "x"}, "unknown key 'tabel'; did you mean 'table'?"),
    ],
)
def test_a_bad_schema_is_told(configs: Configs, change: dict[str, Any], fault: str) -> None:
    configs.write("vendor/schemas/bad.json", json.dumps({**SCHEMA, **change}, indent=1))
    faults = configs.faults()
    assert any(one.startswith("vendor/schemas/bad.json:") and fault in one for one in faults), faults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "vendor/schemas/bad.json:1:2: not valid JSON"),
        ('{"table": x}', "vendor/schemas/bad.json:1:11: not valid JSON"),
        ('{"table": "t", "table": "u", "columns": []}', "vendor/schemas/bad.json:1:16: duplicate key 'table'"),
        ("[" * 100_000, "vendor/schemas/bad.json:1:1: not valid JSON"),
    ],
)
def test_bad_json_is_told_with_its_place(configs: Configs, text: str, fault: str) -> None:
    configs.write("vendor/schemas/bad.json", text)
    assert fault in configs.faults()


def test_a_table_declared_twice_is_refused(configs: Configs) -> None:
    configs.write("vendor/schemas/a.json", json.dumps(SCHEMA))
    configs.write("vendor/schemas/b.json", json.dumps(SCHEMA))
    assert configs.faults() == [
        "vendor/schemas/b.json:1:1: users_daily_raw is declared in configs/vendor/schemas/a.json as well"
    ]


def test_only_the_system_folder_may_keep_tables_for_this_service(configs: Configs) -> None:
    configs.write("system/schemas/mine.json", json.dumps({**SCHEMA, "table": "__mine"}))
    assert configs.load().schemas.table("__mine").name == "__mine"
