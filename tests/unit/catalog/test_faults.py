"""Bad pipelines, one row each: what is written, and where and what the catalog says about it."""

from __future__ import annotations

import pytest

from tests.unit.catalog.conftest import STEP, Configs

CONFIG = "steps:\n  - step_id: extract_users\n    ps_type: generic.api_extractor\n    config:\n"
URL = "      url: https://api.vendor.com/v1/users\n"


def step(extra: str) -> str:
    return STEP + f"    {extra}\n"


def config(*lines: str) -> str:
    return CONFIG + "".join(f"      {line}\n" for line in lines)


ROWS = [
    # names and kinds of keys
    ("nmae: x\n" + STEP, "1:1: unknown key 'nmae'; did you mean 'name'?"),
    (step("timeout_minute: 3"), "6:5: unknown key 'timeout_minute'; did you mean 'timeout_minutes'?"),
    (config("urll: x"), "5:7: unknown key 'urll'; did you mean 'url'?"),
    (config("urll: x"), "4:5: missing key 'url'"),
    ("steps: []\n", "1:8: Length of 'steps' must be >= 1: 0"),
    ("steps: extract\n", "1:8: must be a list, not the text 'extract'"),
    ("steps:\n  - extract\n", "2:5: must be a mapping, not the text 'extract'"),
    (STEP + "timeout_minutes: '30'\n", "6:18: must be a number, not the text '30'"),
    (STEP + "timeout_minutes: 0\n", "6:18: 'timeout_minutes' must be > 0: 0.0"),
    (STEP + "timeout_minutes: true\n", "6:18: must be a number, not true"),
    (STEP + "max_days: 0\n", "6:11: 'max_days' must be >= 1: 0"),
    (STEP + "tags: daily\n", "6:7: must be a list, not the text 'daily'"),
    (step("enabled: no"), "6:14: must be true or false, not the text 'no'"),
    (step("name: 5"), "6:11: must be a text, not 5"),
    (step("on_failure: explode"), "6:17: must be one of stop, continue, alert, not the text 'explode'"),
    (step("trigger: sometimes"), "6:14: "),
    (step("retry: {max_attempts: 0}"), "6:27: 'max_attempts' must be >= 1: 0"),
    (step("retry: {attempts: 2}"), "6:13: unknown key 'attempts'; did you mean 'max_attempts'?"),
    # steps and their order
    ("steps:\n  - ps_type: generic.api_extractor\n", "2:5: missing key 'step_id'"),
    ("steps:\n  - step_id: extract_x\n", "2:5: missing key 'ps_type'"),
    (step("step: extract_users"), "6:5: step_id and step are two spellings"),
    (step("processor: generic.api_extractor"), "6:5: ps_type and processor are two spellings"),
    (STEP + STEP.split("steps:\n")[1], "6:14: another step is called 'extract_users' already"),
    ("steps:\n  - {step_id: Extract Users, ps_type: x.y}\n", "2:15: 'Extract Users' is not a step id"),
    (step("depends_on: 3"), "6:17: must be a list, not 3"),
    # expectations
    (step("dq: {not_null: id}"), "6:9: must be a list, not a mapping"),
    (step("dq: [{not_nul: id}]"), "6:11: unknown key 'not_nul'; did you mean 'not_null'?"),
    (step("dq: [{severity: critical}]"), "6:10: an expectation has exactly one of not_null, unique"),
    (step("dq: [{not_null: id, unique: id}]"), "6:10: an expectation has exactly one of not_null, unique"),
    (step("dq: [{range: {column: id}}]"), "6:18: bounds nothing: give min or max"),
    (step("dq: [{row_count: {min: 3, max: 2}}]"), "6:22: no number is between 3 and 2"),
    (step("dq: [{row_count: {total: load_x.rows}}]"), "6:30: total must be step.name of a step in depends_on"),
    (step("dq: [{sql: checks/absent.sql}]"), "2:5: there is no file 'checks/absent.sql'"),
    (step("dq: [{sql: SELECT 1}]"), "6:16: must name a .sql file below configs/"),
    # processors
    ("steps:\n  - {step_id: load_a, ps_type: generic.absent}\n", "2:32: there is no processor 'generic.absent'"),
    ("steps:\n  - {step_id: load_a, ps_type: absent.absent}\n", "2:32: there is no processor 'absent.absent'"),
    ("steps:\n  - {step_id: load_a, ps_type: ../../etc/passwd}\n", "2:32: '../../etc/passwd' is not a ps_type"),
    ("steps:\n  - {step_id: load_a, ps_type: os}\n", "2:32: 'os' is not a ps_type"),
    (
        "steps:\n  - {step_id: load_a, ps_type: generic.bare}\n",
        "2:32: the processor 'generic.bare' has no get_engine()",
    ),
    ("steps:\n  - {step_id: load_a, ps_type: generic.broken}\n", "2:32: the processor 'generic.broken' cannot be"),
    # the engine's own config
    (config("url: 5"), "5:12: must be a text, not 5"),
    (config("url: https://a.example.com", "method: PATCH"), "6:15: must be one of GET, POST, not the text 'PATCH'"),
    (config("url: https://a.example.com", "auth: {type: bearer}"), "6:7: missing key 'provider'"),
    (config("url: https://a.example.com", "since: 2025-02-30"), "6:14: must be a day written YYYY-MM-DD"),
    # places to write
    (config("url: https://a.example.com", "destination: {table: x, batch_size: 0}"), "6:43: 'batch_size' must be >= 1"),
    (config("url: https://a.example.com", "destination: users"), "6:20: must be a mapping, not the text 'users'"),
    *[
        (step(f"destination: {{table: '{table}'}}"), f"6:26: 'table' must {fault}")
        for table, fault in [
            ("users-raw", "be letters, digits and underscores"),
            ("{org_slug.x}", "be letters, digits and underscores"),
        ]
    ],
    (step("destination: {table: x_daily, write_mode: merge}"), "6:5: write_mode merge needs key_fields"),
    (step("destination: {table: x_daily, schema_file: absent.json}"), "2:5: there is no file 'absent.json'"),
    (
        config("url: https://a.example.com", "destination: {table: x_daily}") + "    destination: {table: y_daily}\n",
        "6:7: destination is given in the step and in its config",
    ),
    (
        config("url: https://a.example.com", "sql: system/sql/absent.sql"),
        "2:5: there is no file 'system/sql/absent.sql'",
    ),
    # places to call
    *[
        (config(f"url: {url}"), f"5:12: {fault}")
        for url, fault in [
            ("https://[::1]/", "a URL must name a host, not an address"),
            ("https://api.vendor.com:8443/", "port 8443 is not allowed"),
            ("https://api.vendor.com:99999/", "is not a URL"),
            ("https://{org_slug}.vendor.com/", "the host of a URL must be written out"),
        ]
    ],
    # placeholders and variables
    (config("url: https://a.example.com/{nobody}"), "5:12: there is no variable 'nobody'"),
    (config("url: https://a.example.com/${nobody}"), "5:12: there is no variable 'nobody'"),
    (config("url: https://a.example.com/{org_slug.__class__}"), "5:12: stray '{'"),
    (config("url: https://a.example.com/{0}"), "5:12: stray '{'"),
    (config("url: https://a.example.com/}"), "5:12: stray '}'"),
    ("variables: {org_slug: x}\n" + STEP, "1:13: org_slug stands for something else already"),
    ("variables: {a: {b: 1}}\n" + STEP, "1:16: a variable is one value or a list of them"),
    ("variables: {A: 1}\n" + STEP, "1:13: 'A' is not a name"),
    ("pipeline_id: '{run_id}-x'\n" + STEP, "1:14: only {org_slug} may be substituted in pipeline_id"),
    ("parameters: {note: {}}\n" + config("url: 'https://a.example.com/{note}'"), "6:12: 'note' has no value"),
    # parameters
    ("parameters: {a: {type: float}}\n" + STEP, "1:24: must be one of string, date, int, bool, enum"),
    ("parameters: {a: {type: int, default: '5'}}\n" + STEP, "1:38: the default must be a whole number"),
    ("parameters: {a: {type: bool, default: no}}\n" + STEP, "1:39: the default must be true or false"),
    ("parameters: {a: {type: date, default: tomorrow}}\n" + STEP, "1:39: the default must be a day"),
    ("parameters: {a: {type: enum}}\n" + STEP, "1:17: values go with type enum"),
    ("parameters: {a: {type: enum, values: [x], default: y}}\n" + STEP, "1:52: the default must be one of x"),
    ("parameters: {a: {values: [x]}}\n" + STEP, "1:26: values go with type enum"),
    ("parameters: {a: {type: int, pattern: x}}\n" + STEP, "1:38: pattern goes with type string"),
    ("parameters: {a: {pattern: x, default: y}}\n" + STEP, "1:39: the default must match x"),
    ("parameters: {trigger_by: {}}\n" + STEP, "1:14: trigger_by is there for every pipeline"),
    ("parameters: {run_id: {}}\n" + STEP, "1:14: run_id is there for every pipeline"),
    ("parameters: {date: {type: string}}\n" + STEP, "1:27: date is a date"),
    ("parameters: {A-b: {}}\n" + STEP, "1:14: 'A-b' is not a name"),
    # schedules
    *[
        (f"schedule: '{line}'\n" + STEP, f"1:11: {fault}")
        for line, fault in [
            ("0 0 30 2 *", "never fires"),
            ("0 0 31 4,6 *", "never fires"),
            ("a b c d e", "the minute field has 'a'"),
            ("", "a cron line has five fields, this one has 0"),
            ("30-10 * * * *", "the minute field '30-10' is not a range"),
        ]
    ],
    ("schedule: {cron: '0 6 * * *', type: daily}\n" + STEP, "1:11: a schedule has either cron or type"),
    ("schedule: {enabled: true}\n" + STEP, "1:11: a schedule has either cron or type"),
    ("schedule: {type: weekly}\n" + STEP, "1:18: must be one of daily, monthly, not the text 'weekly'"),
    ("schedule: {type: daily, time: 6:00}\n" + STEP, "1:31: 'time' must be HH:MM, not '6:00'"),
    ("schedule: {type: daily, day_of_month: 3}\n" + STEP, "1:11: a daily schedule has no day_of_month"),
    ("schedule: {type: monthly, day_of_month: 32}\n" + STEP, "1:41: 'day_of_month' must be <= 31"),
    ("schedule: 5\n" + STEP, "1:11: must be a mapping, not 5"),
]


@pytest.mark.parametrize(("text", "fault"), ROWS)
def test_a_bad_pipeline_is_told_with_its_place(configs: Configs, text: str, fault: str) -> None:
    configs.write("vendor/bad.yml", text)
    faults = configs.faults()
    assert any(one.startswith(f"vendor/bad.yml:{fault}") for one in faults), faults


@pytest.mark.parametrize("path", ["lonely.yml", "a/b/c/deep.yml", "Vendor/x.yml", "vendor/Users.yml", "vendor/a b.yml"])
def test_a_pipeline_in_a_wrong_place_is_an_error(configs: Configs, path: str) -> None:
    configs.write(path, STEP)
    assert configs.faults() == [
        f"{path}:1:1: a pipeline stands at provider/pipeline.yml or provider/domain/pipeline.yml, in lower case"
    ]


def test_faults_of_all_files_are_told_at_once(configs: Configs) -> None:
    configs.write("vendor/a.yml", "x: &a 1\n")
    configs.write("vendor/b.yml", STEP + "timeout_minutes: no\nnmae: x\n")
    configs.write("vendor/schemas/t.json", '{"table": "t", "columns": []}')
    configs.write("system/plans.yml", "default: NONE\nplans: {}\n")
    places = [fault.split(": ")[0] for fault in configs.faults()]
    assert places == [
        "system/plans.yml:1:10",
        "vendor/a.yml:1:4",
        "vendor/b.yml:6:18",
        "vendor/b.yml:7:1",
        "vendor/schemas/t.json:1:27",
    ]


def test_a_link_inside_the_tree_is_a_file_like_any_other(configs: Configs) -> None:
    (configs.root / "vendor" / "linked.yml").symlink_to(configs.root / "vendor" / "users_extract.yml")
    assert "vendor/linked" in configs.load().pipelines


def test_two_pipelines_with_one_id_are_an_error(configs: Configs) -> None:
    configs.write("vendor/a/b-c.yml", STEP)
    configs.write("vendor/a-b-c.yml", STEP)
    configs.write("vendor/twice.yml", STEP)
    configs.write("vendor/twice.yaml", STEP)
    assert [fault.split(": ")[1].split(" configs")[0] for fault in configs.faults()] == [
        "has the same pipeline id as",
        "has the same pipeline id as",
    ]


def test_a_missing_registry_is_an_error(configs: Configs) -> None:
    (configs.root / "system" / "providers.yml").unlink()
    assert configs.faults() == ["system/providers.yml: there is no such file"]


def test_sql_that_is_not_utf8_is_told(configs: Configs) -> None:
    configs.write("vendor/sql/a.sql", b"SELECT '\xff'")
    assert configs.faults() == ["vendor/sql/a.sql: is not valid UTF-8"]
