from __future__ import annotations

import pytest

from tests.unit.processors.generic.conftest import Bench
from workers.catalog import ConfigError

FINE = """\
url: https://api.vendor.com/v1/users
destination: {table: vendor_users_raw}
"""
TO = "destination: {table: vendor_users_raw}\n"


def complaints(bench: Bench, config: str) -> list[str]:
    bench.declare(config)
    with pytest.raises(ConfigError) as raised:
        bench.catalog()
    return [str(problem).removeprefix("configs/vendor/users_extract.yml:") for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        (TO, "5:7: either 'url' or, for a registered provider, 'path' says what is read"),
        (f"path: /users\n{TO}", "5:7: 'provider' names whose base URL"),
        (f"path: users\nprovider: OPENAI\n{TO}", "5:13: 'path' begins with /"),
        (
            f"path: /users\nprovider: OPENAI\nauth: {{type: bearer, provider: X}}\n{TO}",
            "6:17: 'provider' brings its own",
        ),
        ("url: https://api.vendor.com/x\n", "4:5: missing key 'destination'"),
        (f"url: api.vendor.com/users\n{TO}", "5:12: must be a URL whose scheme and host are written out"),
        (f"url: '{{org_slug}}'\n{TO}", "5:12: must be a URL whose scheme and host are written out"),
        (f"url: https://api.vendor.com/users#top\n{TO}", "5:12: 'url' must be an absolute URL"),
        (f"{FINE}data_path: 'f(@)'\n", "7:18: 'data_path' 'f(@)' calls a function there is not"),
        (f"{FINE}pagination: {{type: cursor, param: after}}\n", "7:26: 'type' cursor needs param and response_path"),
        (f"{FINE}pagination: {{type: offset}}\n", "7:19: 'limit' is needed by type offset"),
        (f"{FINE}pagination: {{type: next}}\n", "7:26: must be one of cursor, offset, page, link, none"),
        (f"{FINE}auth: {{type: bearer}}\n", "7:13: 'provider' names the stored credential of every type but none"),
        (f"{FINE}auth: {{type: bearer, provider: 'a b'}}\n", "7:38: 'provider' must be the name that a credential"),
        (f"{FINE}auth: {{type: header, provider: V, name: Host}}\n", "7:47: 'name' is not a header that may carry"),
        (f"{FINE}auth: {{type: bearer, provider: V, name: X}}\n", "7:47: 'name' is for the types header and query"),
        (f"{FINE}format: xml\n", "7:15: must be one of json, ndjson, csv"),
        (f"{FINE}format: csv\ndelimiter: ab\n", "8:18: 'delimiter' is one character"),
        (
            f"{FINE}format: csv\npagination: {{type: link, response_path: next}}\n",
            "8:19: 'pagination' looks into the body",
        ),
        (f"{FINE}responses: [{{action: drop, status: 404}}]\n", "7:28: must be one of ignore, retry, fail"),
        (f"{FINE}responses: [{{action: ignore}}]\n", "7:28: 'action' needs a status, contains or when"),
        (f"{FINE}responses: [{{action: ignore, status: 200}}]\n", "7:44: 'status' 200 needs contains or when"),
        (f"{FINE}responses: [{{action: retry, status: 700}}]\n", "7:43: 'status' is a status from 200 to 599"),
        (f"{FINE}body: {{a: 1}}\n", "7:13: 'body' goes with method POST"),
        (f"{FINE}schema: {{contract: loose}}\n", "7:26: must be one of evolve, freeze, raw"),
        (f"{FINE}pagnation: {{type: none}}\n", "7:7: unknown key 'pagnation'; did you mean 'pagination'?"),
        ("url: https://a.example.com\ndestination: {table: __x}\n", "6:28: 'table' must not start with __"),
        ("url: https://a.example.com\ndestination: {table: a.b}\n", "6:28: 'table' must be letters"),
        (
            "url: https://a.example.com\ndestination: {table: x_y, key_fields: [a.b]}\n",
            "6:20: 'destination' has a key field that is no column: 'a.b'",
        ),
        (
            "url: https://a.example.com\ndestination: {table: x_y, schema_file: system/schemas/none.json}\n",
            "2:5: there is no file 'system/schemas/none.json'",
        ),
    ],
)
def test_what_cannot_be_meant_is_told_at_the_start_with_its_place(bench: Bench, config: str, complaint: str) -> None:
    assert any(found.startswith(complaint) for found in complaints(bench, config)), complaints(bench, config)


def test_every_fault_is_told_at_once(bench: Bench) -> None:
    config = f"{FINE}data_path: 'data['\nrate_limit: {{requests_per_second: 0}}\npagination: {{type: offset}}\n"
    assert [found.partition(":")[0] for found in complaints(bench, config)] == ["7", "8", "9"]


def test_what_a_step_refers_to_is_there(bench: Bench) -> None:
    to = "{table: x_y, schema_file: schemas/vendor_users_raw.json, write_mode: merge, key_fields: [nick]}"
    config = f"path: /users\nprovider: NOBODY\ndestination: {to}\n"
    assert complaints(bench, config) == [
        "6:17: there is no provider 'NOBODY' in providers.yml",
        "7:108: there is no column 'nick' in schemas/vendor_users_raw.json",
    ]


def test_a_schema_file_is_one(bench: Bench) -> None:
    bench.write("vendor/note.json", "{}")
    config = "url: https://a.example.com\ndestination: {table: x_y, schema_file: note.json}\n"
    assert complaints(bench, config) == [
        "6:46: is not a schema file: those are schemas/*.json, each with its table and columns"
    ]


MERGE = "url: https://a.example.com/x\ndestination: {table: x_y, write_mode: merge, key_fields: [id]}\n"
CHILD = "url: https://a.example.com/x/:id\ndestination: {table: x_y}\n"
PARENT = "parent: {url: https://a.example.com/x, fields: {id: id}"


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        (f"{FINE}incremental: {{param: a, cursor_path: b}}\n", "'incremental' reads some rows again"),
        (f"{MERGE.replace('merge', 'overwrite')}incremental: {{param: a, cursor_path: b}}\n", "'incremental' by value"),
        (f"{MERGE}incremental: {{param: a}}\n", "either 'until_param' (by days) or 'cursor_path'"),
        (f"{MERGE}incremental: {{param: a, cursor_path: b, max_days: 3}}\n", "'max_days' needs an until_param"),
        (
            f"{MERGE}incremental: {{param: a, cursor_path: b, start: soon}}\n",
            "'start' is not a value of type timestamp",
        ),
        (
            f"{MERGE}incremental: {{param: a, cursor_path: b, type: integer, lookback_days: 1}}\n",
            "'type' integer reads",
        ),
        (f"{MERGE}incremental: {{param: a, cursor_path: b, lookback_days: 1000}}\n", "'lookback_days' must be <= 366"),
        (f"{CHILD}{PARENT.replace('id: id', 'name: id')}}}\n", "'parent' has no field 'id'"),
        (f"{FINE}{PARENT}}}\n", "'parent' is not referred to"),
        (f"{CHILD}{PARENT}, include: [x]}}\n", "'include' names no field of the parent"),
        (f"{CHILD}{PARENT}, concurrency: 9}}\n", "'concurrency' must be <= 4"),
        (f"{CHILD}{PARENT.replace('id: id', 'id: a-b(')}}}\n", "'fields' id 'a-b(' is not a JMESPath expression"),
        (
            FINE.replace("raw}", "raw, table_config: {parts: 1}}"),
            "'destination' has an unknown key in table_config: 'parts'",
        ),
        (FINE.replace("raw}", "raw, table_config: {partition: a.b}}"), "whose partition and clustering are no columns"),
    ],
)
def test_what_contradicts_itself_is_told_at_the_start(bench: Bench, config: str, complaint: str) -> None:
    assert any(complaint in found for found in complaints(bench, config)), complaints(bench, config)
