"""Files that are wrong in exactly one way each, by the items of tests/house/bad_input.py, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from attrs import frozen

PIPELINE, SCHEMA, PROVIDERS = "vendor/bad_daily.yml", "vendor/schemas/bad_daily.json", "system/providers.yml"
STEP = """\
steps:
  - step_id: extract_users
    ps_type: generic.api_extractor
    config:
      destination: {table: vendor_usage_daily_raw}
"""
URL = "https://api.vendor.com/v1/users"
BOMB = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 10))
TABLE: dict[str, Any] = {
    "table": "bad_daily",
    "partition": {"field": "day"},
    "columns": [{"name": "id", "type": "STRING"}, {"name": "day", "type": "DATE"}],
}
ID, DAY = TABLE["columns"]


@frozen
class BadFile:
    """One file, and where (line:column, of its first fault) and what is said of it."""

    item: str
    path: str
    content: bytes
    where: str
    said: str


def item(name: str, *rows: tuple[str, str | bytes, str, str]) -> Iterator[BadFile]:
    """Make rows of an item."""
    for path, text, where, said in rows:
        yield BadFile(name, path, text if isinstance(text, bytes) else text.encode(), where, said)


def config(*lines: str) -> str:
    """A step that reads a URL, with more lines of configuration."""
    return STEP + "".join(f"      {line}\n" for line in (f"url: {URL}", *lines))


def url(text: str) -> tuple[str, str]:
    return PIPELINE, STEP + f"      url: {text}\n"


def top(*lines: str) -> str:
    return config() + "".join(f"{line}\n" for line in lines)


def steps(*steps: str) -> str:
    return "steps:\n" + "".join(f"  - {{{step}, ps_type: generic.nothing}}\n" for step in steps)


def destination(text: str) -> str:
    return config().replace("{table: vendor_usage_daily_raw}", text)


def schema(**changed: Any) -> str:
    return json.dumps({**TABLE, **changed}, indent=1)


def provider(*lines: str) -> str:
    entry = ("providers:", "  VENDOR:", "    name: Vendor", "    type: saas", *(f"    {line}" for line in lines))
    return "\n".join(entry) + "\n"


COLUMNS = [{"name": f"c{number}", "type": "STRING"} for number in range(10_001)]
BAD_FILES = [
    *item(
        "G88",
        (PIPELINE, config("params:", "\tx: 1"), "8:7", "tab character; use spaces"),
        (PIPELINE, b"\xef\xbb\xbf" + config().encode(), "1:1", "the file starts with a byte order mark"),
        (PIPELINE, config().encode("utf-16"), "1:1", "the file starts with a byte order mark"),
        (PIPELINE, config().encode("utf-16-be"), "1:1", "the file holds NUL bytes"),
        (PIPELINE, config().encode() + b"name: \xff\n", "7:1", "not valid UTF-8"),
        (SCHEMA, b"\xef\xbb\xbf" + schema().encode(), "1:1", "the file starts with a byte order mark"),
    ),
    *item(
        "G89",
        (PIPELINE, top("name: &anchor x"), "7:7", "anchors are not allowed"),
        (PIPELINE, top("name: *other"), "7:7", "aliases are not allowed"),
        (PIPELINE, "l0: &l0 lol\n" + BOMB, "1:5", "anchors are not allowed"),
    ),
    *item(
        "G90",
        (PIPELINE, top("name: !!python/object/apply:os.system [id]"), "7:7", "tags are not allowed"),
        (PIPELINE, top("name: !!str x"), "7:7", "tags are not allowed"),
    ),
    *item(
        "G91",
        (PIPELINE, top("name: x", "name: y"), "8:1", "duplicate key 'name'"),
        (PIPELINE, config(f"url: {URL}"), "7:7", "duplicate key 'url'"),
        (PIPELINE, steps("step_id: one", "step_id: one"), "3:15", "another step is called 'one' already"),
        (SCHEMA, '{"table": "bad_daily", "table": "x", "columns": []}', "1:24", "duplicate key 'table'"),
    ),
    *item(
        "G92",
        (PIPELINE, "steps:\n  - {step_id: a, ps_type: no.such}\n", "2:27", "there is no processor 'no.such'"),
        (PIPELINE, "steps:\n  - {step_id: a, ps_type: ../../etc}\n", "2:27", "'../../etc' is not a ps_type"),
        (PIPELINE, config("urls: x"), "7:7", "unknown key 'urls'; did you mean 'url'?"),
        (PIPELINE, top("nmae: x"), "7:1", "unknown key 'nmae'; did you mean 'name'?"),
        (SCHEMA, schema(tables="x"), "16:2", "unknown key 'tables'; did you mean 'table'?"),
        (PROVIDERS, provider("auth: {type: none}", "token: x"), "6:5", "unknown key 'token'"),
    ),
    *item(
        "G93",
        (PIPELINE, config("enabled: no").replace("      enabled", "    enabled"), "7:14", "must be true or false"),
        (PIPELINE, top("timeout_minutes: 017"), "7:18", "must be a number, not the text '017'"),
        (PIPELINE, top("timeout_minutes: 12:30:45"), "7:18", "must be a number, not the text '12:30:45'"),
        (PIPELINE, top("timeout_minutes: 0x1f"), "7:18", "must be a number, not the text '0x1f'"),
        (PIPELINE, top("timeout_minutes: 1_0"), "7:18", "must be a number, not the text '1_0'"),
        (PIPELINE, top("name: 5"), "7:7", "must be a text, not 5"),
        (PIPELINE, top("name: true"), "7:7", "must be a text, not true"),
        (PIPELINE, top("max_days: 2025-01-01"), "7:11", "must be a whole number, not the text"),
    ),
    *item(
        "G94",
        (
            PIPELINE,
            steps("step_id: a, depends_on: b", "step_id: b, depends_on: a"),
            "2:30",
            "depends on itself through",
        ),
        (PIPELINE, steps("step_id: a, depends_on: [c]"), "2:30", "there is no step 'c'"),
        (PIPELINE, steps("step_id: a, depends_on: a"), "2:30", "a step cannot depend on itself"),
    ),
    *item(
        "G95",
        (*url("http://api.vendor.com/"), "6:12", "a URL must be https, not http"),
        (*url("https://10.0.0.1/"), "6:12", "a URL must name a host, not an address"),
        (*url("https://[::ffff:10.0.0.1]/"), "6:12", "a URL must name a host, not an address"),
        (*url("https://2130706433/"), "6:12", "'2130706433' is not a public host name"),
        (*url("https://0x7f.1/"), "6:12", "'0x7f.1' is not a public host name"),
        (*url("https://localhost/"), "6:12", "'localhost' is not a public host name"),
        (*url("https://metadata.google.internal/"), "6:12", "is not a public host name"),
        (*url("https://user:pass@api.vendor.com/"), "6:12", "a URL must not carry a user"),
        (*url("https://api.vendor.com:22/"), "6:12", "port 22 is not allowed"),
        (*url("file:///etc/passwd"), "6:12", "a URL must be https, not file"),
        (*url("gopher://api.vendor.com/"), "6:12", "a URL must be https, not gopher"),
        (*url("https://${org_slug}/"), "6:12", "the host of a URL must be written out"),
        (PROVIDERS, provider("base_url: http://a.com", "auth: {type: bearer}"), "5:15", "a URL must be https"),
    ),
    *item(
        "G96",
        (PIPELINE, config('headers: {X-Note: "a\\r\\nHost: b"}'), "7:25", "a header's value must be"),
        (PIPELINE, config("headers: {Host: internal}"), "7:17", "the header Host may not be set here"),
        (PIPELINE, config("headers: {Metadata-Flavor: Google}"), "7:17", "the header Metadata-Flavor may not be"),
        (PIPELINE, config("headers: {Authorization: Bearer x}"), "7:17", "the header Authorization may not be set"),
        (PIPELINE, config("headers: {'a b': x}"), "7:17", "'a b' is not a header name"),
    ),
    *item(
        "G97",
        *[
            (PIPELINE, config(f"rate_limit: {{requests_per_second: {rate}}}"), "7:41", said)
            for rate, said in [
                ("0", "'requests_per_second' must be > 0"),
                ("-1", "'requests_per_second' must be > 0"),
                ("1000000000", "'requests_per_second' must be <= 1000"),
                ("1e9", "must be a number, not the text '1e9'"),
                ("fast", "must be a number, not the text 'fast'"),
            ]
        ],
    ),
    *item(
        "G98",
        *[
            (PIPELINE, destination(f"{{table: vendor_usage_daily_raw, batch_size: {size}}}"), "5:64", said)
            for size, said in [
                ("0", "'batch_size' must be >= 1"),
                ("-1", "'batch_size' must be >= 1"),
                ("1000000000", "'batch_size' must be <= 100000"),
            ]
        ],
    ),
    *item(
        "G99",
        (PIPELINE, config("data_path: 'data['"), "7:18", "'data_path' 'data[' is not a JMESPath expression"),
        (PIPELINE, config(f"data_path: '{'[' * 290}'"), "7:18", "is not a JMESPath expression"),
        (PIPELINE, config(f"data_path: {'a.' * 200}b"), "7:18", "'data_path' is longer than 300 characters"),
        (PIPELINE, config("data_path: $.a[*]"), "7:18", "is not a JMESPath expression"),
        (PIPELINE, top("parameters: {a: {pattern: (a+)+}}"), "7:27", "pattern may take for ever on some texts"),
        (PIPELINE, top("parameters: {a: {pattern: .*.*.*x}}"), "7:27", "pattern may take for ever on some texts"),
        (PIPELINE, top("parameters: {a: {pattern: (}}"), "7:27", "pattern is not a regular expression"),
        (PIPELINE, top("parameters: {a: {pattern: 'a{9999999999999}'}}"), "7:27", "pattern is not a regular"),
    ),
    *item(
        "G100",
        *[
            (PIPELINE, destination(f"{{table: '{table}'}}"), "5:28", f"'table' must {said}")
            for table, said in [
                ("other.users", "be letters, digits and underscores"),
                ("`users`", "be letters, digits and underscores"),
                ("9users", "be letters, digits and underscores"),
                ("a;--", "be letters, digits and underscores"),
                ("__load_ledger", "not start with __"),
            ]
        ],
        (SCHEMA, schema(table="a.b"), "2:11", "'table' must be letters, digits and underscores"),
        (SCHEMA, schema(table="__mine"), "2:11", "a table must not start with __"),
    ),
    *item(
        "G101",
        (SCHEMA, schema(columns=[ID, DAY, ID]), "16:12", "column id is there twice"),
        (SCHEMA, schema(columns=[{**ID, "type": "TEXT"}, DAY]), "9:12", "must be one of STRING, BYTES"),
        (SCHEMA, schema(columns=[DAY, *COLUMNS]), "6:13", "Length of 'columns' must be <= 10000"),
        (SCHEMA, schema(partition={"field": "month"}), "4:12", "there is no column 'month'"),
        (
            SCHEMA,
            schema(columns=[ID, {**DAY, "type": "STRING"}]),
            "4:12",
            "a partition column is one DATE or TIMESTAMP",
        ),
        (SCHEMA, "[" * 100_000, "1:1", "not valid JSON"),
    ),
    *item(
        "G102",
        *[
            (PIPELINE, top(f"schedule: '{line}'"), "7:11", said)
            for line, said in [
                ("* * * * * *", "a cron line has five fields, this one has 6"),
                ("61 * * * *", "the minute field has '61', which is not in 0 to 59"),
                ("0 0 31 2 *", "never fires"),
                ("*/0 * * * *", "is not a range"),
            ]
        ],
    ),
    *item(
        "G103",
        (
            PIPELINE,
            top("schedule: {cron: '0 6 * * *', timezone: Mars/Olympus}"),
            "7:11",
            "there is no time zone 'Mars/Ol",
        ),
        (
            PIPELINE,
            top("schedule: {cron: '0 6 * * *', timezone: ../../etc}"),
            "7:11",
            "there is no time zone '../../etc'",
        ),
    ),
    *item(
        "G105",
        (PIPELINE, config() + "# " + "x" * 10_000_000, "1:1", "the file is larger than 256 KiB"),
        (SCHEMA, schema() + " " * 10_000_000, "1:1", "the file is larger than 4096 KiB"),
    ),
    *item(
        "G106",
        (*url("https://api.vendor.com/{nobody}"), "6:12", "there is no variable 'nobody'"),
        (PIPELINE, top("variables: {a: '${b}', b: '${a}'}"), "7:16", "a variable cannot refer to another"),
        (PIPELINE, top("variables: {a: '${a}'}"), "7:16", "there is no variable 'a'"),
        (*url("https://api.vendor.com/{org_slug.__class__}"), "6:12", "stray '{'"),
    ),
]
