from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.processors.generic.conftest import DAY, USERS, Bench
from workers.catalog import ConfigError
from workers.model.failure import FailedError, Reason
from workers.model.window import DateWindow

CONFIG = "sql: vendor/sql/totals.sql\ndestination: {table: vendor_users_raw}\n"
SQL = (
    "-- Totals; of @nothing.\nSELECT id, @rate AS rate, ';' AS note FROM {dataset}.{source} WHERE born <= @end_date;\n"
)
DECLARED = """\
sql: vendor/sql/totals.sql
identifiers: {source: "{org_slug}_users"}
parameters: {rate: {type: NUMERIC, value: 1.5}}
"""
PS_TYPE = "generic.local_bq_transformer"
BY_DAY = USERS.replace('"description": "Users.",', '"description": "Users.", "partition": {"field": "born"},')


def declare(bench: Bench, config: str, sql: str = SQL, schema: str = USERS) -> None:
    bench.write("vendor/sql/totals.sql", sql)
    bench.declare(config, schema, ps_type=PS_TYPE)


async def refused(bench: Bench) -> str:
    with pytest.raises(FailedError) as raised:
        await bench.run()
    assert raised.value.failure.reason is Reason.CONFIG_INVALID
    return raised.value.failure.message


async def test_names_are_checked_and_filled_in_and_values_are_parameters(bench: Bench) -> None:
    declare(bench, f"{DECLARED}destination: {{table: vendor_users_raw}}\n")
    result = await bench.run()
    [row] = bench.rows
    assert "{dataset}.`acme_users`" in row["sql"]
    assert {name: row[name] for name in row if name != "sql"} == {"rate": Decimal("1.5"), "end_date": DAY}
    assert (result.rows, result.output["table"], bench.publication.manner) == (1, "vendor_users_raw", "append")


@pytest.mark.parametrize(
    ("mode", "schema", "more", "manner", "window"),
    [
        ("append", USERS, "", "append", None),
        ("merge, key_fields: [id]", USERS, "", "merge acme-vendor-users_extract/extract_users", None),
        ("overwrite", USERS, "", "transform", None),
        ("overwrite", BY_DAY, "", "transform", DateWindow(DAY, DAY)),
        ("overwrite", BY_DAY, "replace: table\n", "transform", None),
    ],
)
async def test_a_table_is_written_as_declared(
    bench: Bench, mode: str, schema: str, more: str, manner: str, window: DateWindow | None
) -> None:
    to = f"destination: {{table: vendor_users_raw, write_mode: {mode}}}\n"
    declare(bench, f"{DECLARED}{to}{more}", schema=schema)
    await bench.run()
    assert (bench.publication.manner, bench.publication.window) == (manner, window)


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("-- x\nDELETE FROM {dataset}.{source} WHERE TRUE", "is not one SELECT"),
        ("-- x\nSELECT 1 AS id FROM {source}; DROP TABLE x", "is not one SELECT"),
        ("-- x\nSELECT @price AS id FROM {source}", "parameters that are not declared: price"),
        ("-- x\nSELECT 1 AS id", "no place for the identifier source"),
    ],
)
async def test_a_file_that_is_not_what_the_step_says_is_refused(bench: Bench, sql: str, complaint: str) -> None:
    declare(bench, f"{DECLARED}destination: {{table: vendor_users_raw}}\n", sql)
    assert complaint in await refused(bench)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        (f"{CONFIG}identifiers: {{source: 'a.b'}}\n", "'identifiers' may only stand for plain names"),
        (f"{CONFIG}identifiers: {{source: __load_ledger}}\n", "'identifiers' may only stand for plain names"),
        (f"{CONFIG}identifiers: {{dataset: x}}\n", "'identifiers' has a name that cannot be filled in"),
        (f"{CONFIG}parameters: {{dp_x: 1}}\n", "'parameters' has a name that no parameter can have"),
        (f"{CONFIG}parameters: {{x: {{type: DATE, value: soon}}}}\n", "'parameters' gives x a value that is a text"),
        (f"{CONFIG}parameters: {{x: {{type: MONEY, value: 1}}}}\n", "'parameters' gives x neither a value nor a type"),
        (CONFIG.replace("totals", "absent"), "there is no file 'vendor/sql/absent.sql'"),
    ],
)
def test_what_cannot_be_meant_is_told_at_the_start(bench: Bench, config: str, complaint: str) -> None:
    declare(bench, config)
    with pytest.raises(ConfigError, match=complaint):
        bench.catalog()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("{type: DATE, value: '{end_date}'}", DAY),
        ("{type: DATE, value: [2025-01-31]}", [date(2025, 1, 31)]),
        ("7", 7),
        ("[a, b]", ["a", "b"]),
    ],
)
async def test_a_parameter_has_the_type_it_is_declared_with(bench: Bench, value: str, found: Any) -> None:
    declare(bench, f"{CONFIG}parameters: {{x: {value}}}\n", "-- x\nSELECT @x AS id")
    await bench.run()
    assert bench.rows[0]["x"] == found
