from __future__ import annotations

from datetime import date

import pytest

from tests.unit.catalog.conftest import STEP, Configs
from workers.model.failure import FailedError, Reason
from workers.model.pipeline import Destination, Step

TODAY = date(2025, 6, 15)
TABLE = '{"table": "users_daily_raw", "columns": [{"name": "id", "type": "STRING"}]}'


def test_the_owners_example_loads_unchanged(configs: Configs) -> None:
    pipeline = configs.load().pipelines["vendor/users_extract"]
    (step,) = pipeline.steps
    assert pipeline.declared_id == "vendor-users-extract"
    assert (step.step_id, step.ps_type) == ("extract_users", "generic.api_extractor")
    assert step.destination == Destination("vendor_users_raw", batch_size=1000)
    assert step.config["pagination"]["response_path"] == "meta.next_cursor"


def test_the_owners_example_becomes_its_engines_config(configs: Configs) -> None:
    catalog = configs.load()
    config = catalog.config(catalog.pipelines["vendor/users_extract"].steps[0], {})
    assert (config.auth.type, config.auth.provider) == ("bearer", "VENDOR_API")
    assert config.rate_limit.requests_per_second == 10.0
    assert config.destination == Destination("vendor_users_raw", batch_size=1000)


def test_both_spellings_say_the_same(configs: Configs) -> None:
    configs.write("vendor/a.yml", STEP)
    configs.write("vendor/b.yml", STEP.replace("step_id:", "step:").replace("ps_type:", "processor:"))
    pipelines = configs.load().pipelines
    assert pipelines["vendor/a"].steps == pipelines["vendor/b"].steps


def test_a_place_may_stand_in_the_step_or_in_its_config(configs: Configs) -> None:
    configs.write("vendor/a.yml", STEP + "      destination: {table: users_daily}\n      source: {kind: api}\n")
    configs.write("vendor/b.yml", STEP + "    destination: {table: users_daily}\n    source: {kind: api}\n")
    pipelines = configs.load().pipelines
    assert pipelines["vendor/a"].steps == pipelines["vendor/b"].steps
    assert pipelines["vendor/a"].steps[0].source == {"kind": "api"}


def test_an_absent_depends_on_is_the_step_before_and_an_empty_one_is_at_once(configs: Configs) -> None:
    steps = [
        ("load_a", ""),
        ("load_b", ""),
        ("load_c", "depends_on: []"),
        ("load_d", "depends_on: load_a"),
        ("load_e", "depends_on: [load_b, load_c]"),
    ]
    body = "    ps_type: generic.api_extractor\n    config: {url: https://a.example.com}\n"
    text = "steps:\n" + "".join(f"  - step_id: {name}\n{body}    {more}\n" for name, more in steps)
    configs.write("vendor/order.yml", text)
    found = configs.load().pipelines["vendor/order"].steps
    assert [step.depends_on for step in found] == [(), ("load_a",), (), ("load_a",), ("load_b", "load_c")]


def test_a_pipeline_is_found_with_and_without_a_domain(configs: Configs) -> None:
    configs.write("vendor/cost/daily.yml", STEP)
    catalog = configs.load()
    for domain in ("", "-"):
        found = catalog.find("vendor", domain, "users_extract")
        assert found is not None
        assert found.pipeline_id("acme") == "acme-vendor-users_extract"
    with_domain = catalog.find("vendor", "cost", "daily")
    assert with_domain is not None
    assert with_domain.pipeline_id("acme") == "acme-vendor-cost-daily"


@pytest.mark.parametrize(
    "path",
    [
        ("vendor", "cost", "absent"),
        ("vendor", "-", "cost/daily"),
        ("vendor/cost", "", "daily"),
        ("system", "", "plans"),
        ("", "vendor", "users_extract"),
        (".", "vendor", "users_extract"),
        ("vendor", "..", "users_extract"),
    ],
)
def test_what_is_not_declared_is_not_found(configs: Configs, path: tuple[str, str, str]) -> None:
    configs.write("vendor/cost/daily.yml", STEP)
    assert configs.load().find(*path) is None


def test_yaml_without_steps_and_settings_of_organisations_are_no_pipelines(configs: Configs) -> None:
    configs.write("notify_systems/email/config.yml", "sender: a@b.example\n")
    configs.write("orgs/acme/others.yml", STEP)
    configs.write("vendor/.hidden.yml", "not: [valid\n")
    assert list(configs.load().pipelines) == ["vendor/users_extract"]


def test_an_alias_is_as_good_as_the_name(configs: Configs) -> None:
    configs.write("vendor/a.yml", STEP.replace("generic.api_extractor", "generic.extractor"))
    catalog = configs.load()
    assert catalog.engine("generic.extractor") is catalog.engine("generic.api_extractor")


def test_versions_stay_as_they_are_written(configs: Configs) -> None:
    configs.write("vendor/a.yml", "version: 1.10\n" + STEP)
    assert configs.load().pipelines["vendor/a"].version == "1.10"


@pytest.mark.parametrize(
    ("written", "cron"),
    [
        ("'0 6 * * *'", "0 6 * * *"),
        ("{type: daily, time: '06:30'}", "30 6 * * *"),
        ("{type: monthly, time: '02:00', day_of_month: 5}", "0 2 5 * *"),
        ("{type: monthly}", "0 0 1 * *"),
        ("{cron: '0 12 * * mon-fri'}", "0 12 * * mon-fri"),
        ("'0 0 29 2 *'", "0 0 29 2 *"),
        ("'0 0 31 * 1'", "0 0 31 * 1"),
    ],
)
def test_a_schedule_is_a_cron_line_however_it_is_written(configs: Configs, written: str, cron: str) -> None:
    configs.write("vendor/a.yml", f"schedule: {written}\n" + STEP)
    schedule = configs.load().pipelines["vendor/a"].schedule
    assert schedule == {"cron": cron, "timezone": "UTC", "enabled": True}


def test_required_integrations_are_named_as_the_registry_names_them(configs: Configs) -> None:
    configs.write("vendor/a.yml", "integration_required: [claude, OPENAI, VENDOR_API]\n" + STEP)
    assert configs.load().pipelines["vendor/a"].integration_required == ("ANTHROPIC", "OPENAI", "VENDOR_API")


def test_conventions_are_warned_about_and_break_nothing(configs: Configs) -> None:
    configs.write(
        "vendor/a.yml",
        "pipeline_id: '{org_slug}-my_pipeline'\n"
        + STEP.replace("extract_users", "users")
        + "    destination: {table: users, dataset_type: lake}\n",
    )
    warnings = [str(one) for one in configs.load().warnings if "/a.yml" in str(one)]
    assert [warning.split(": ")[1] for warning in warnings] == [
        "pipeline ids are kebab-case",
        "dataset type 'lake' is not declared; rows go to the organisation's dataset",
        "step ids begin with one of extract_, transform_, load_, validate_, notify_, decrypt_",
        "tables are called {provider}_{domain}_{granularity}_{state}",
    ]


def test_a_pipeline_that_is_called_by_its_path_follows_the_conventions(configs: Configs) -> None:
    configs.write("vendor/cost/usage_cost.yml", "pipeline_id: '{org_slug}-vendor-cost-usage_cost'\n" + STEP)
    configs.write("vendor/user_list.yml", "pipeline_id: '{org_slug}-vendor-user_list'\n" + STEP)
    assert not [warning for warning in map(str, configs.load().warnings) if "pipeline ids" in warning]


def test_a_step_is_resolved_and_typed_for_a_run(configs: Configs) -> None:
    configs.write(
        "vendor/a.yml",
        "parameters: {pages: {type: int, default: 5}, team: {}}\n"
        + STEP.replace("/v1/users", "/v1/{org_slug}/{{raw}}")
        + "      since: '{start_date}'\n      pagination: {type: page, limit: '{pages}'}\n"
        + "      options: {team: '${team}'}\n",
    )
    catalog = configs.load()
    step = catalog.pipelines["vendor/a"].steps[0]
    given = {"org_slug": "acme", "start_date": "2025-06-01", "pages": 7, "team": None}
    config = catalog.config(step, given)
    assert config.url == "https://api.vendor.com/v1/acme/{raw}"
    assert (config.since, config.pagination.limit, config.options) == (date(2025, 6, 1), 7, {"team": None})


def test_a_config_that_does_not_fit_in_a_run_fails_with_its_reason(configs: Configs) -> None:
    step = Step("extract_x", "generic.api_extractor", config={"url": 5, "since": "{day}"})
    with pytest.raises(FailedError) as raised:
        configs.load().config(step, {"day": "someday"})
    assert raised.value.failure.reason is Reason.CONFIG_INVALID
    assert "extract_x: url: must be a text, not 5; since: must be a day" in raised.value.failure.message


def test_what_only_a_caller_knows_is_not_judged_at_the_start(configs: Configs) -> None:
    parameters = "parameters: {method: {required: true}, since: {required: true}}\n"
    configs.write("vendor/a.yml", parameters + STEP + "      method: '{method}'\n      since: '{since}'\n")
    catalog = configs.load()
    step = catalog.pipelines["vendor/a"].steps[0]
    assert catalog.config(step, {"method": "POST", "since": "2025-01-01"}).method == "POST"


def test_a_hash_covers_the_text_and_every_file_that_it_names(configs: Configs) -> None:
    configs.write("vendor/a.yml", STEP + "    destination: {table: users_daily_raw}\n")
    configs.write("vendor/schemas/users.json", TABLE)
    seen = [configs.load().pipelines["vendor/a"].config_hash]
    for path, text in [
        ("vendor/a.yml", STEP + "    destination: {table: users_daily_raw}\nname: x\n"),
        ("vendor/schemas/users.json", TABLE.replace("STRING", "INT64")),
        ("system/sql/known.sql", "SELECT 2 AS two"),
    ]:
        configs.write(path, text)
        seen.append(configs.load().pipelines["vendor/a"].config_hash)
    assert len(set(seen)) == len(seen)
    configs.write("vendor/b.yml", STEP)
    assert configs.load().pipelines["vendor/a"].config_hash == seen[-1]


def test_a_declaration_that_was_kept_is_read_again(configs: Configs) -> None:
    catalog = configs.load()
    pipeline = catalog.pipelines["vendor/users_extract"]
    assert catalog.parse(pipeline.path, pipeline.source) == pipeline


def test_a_kept_declaration_that_no_longer_fits_is_refused(configs: Configs) -> None:
    with pytest.raises(FailedError) as raised:
        configs.load().parse("vendor/old", STEP.replace("api_extractor", "gone"))
    assert raised.value.failure.reason is Reason.CONFIG_INVALID
    assert "vendor/old.yml:3:14: there is no processor 'generic.gone'" in raised.value.failure.message


def test_what_changes_on_disk_changes_nothing_until_a_restart(configs: Configs) -> None:
    catalog = configs.load()
    configs.write("system/sql/known.sql", "SELECT 2 AS two")
    assert catalog.schemas.sql("system/sql/known.sql") == "SELECT 1 AS one\n"


@pytest.mark.parametrize("path", ["../secret.sql", "/etc/passwd", "system/sql/../sql/known.sql", "absent.sql"])
def test_files_outside_the_tree_cannot_be_read(configs: Configs, path: str) -> None:
    (configs.root.parent / "secret.sql").write_text("SELECT 1")
    schemas = configs.load().schemas
    assert schemas.text(path) is None
    with pytest.raises(FailedError, match="CONFIG_INVALID"):
        schemas.sql(path)


def test_urls_that_development_allows_may_be_named(configs: Configs) -> None:
    configs.write("vendor/a.yml", STEP.replace("https://api.vendor.com", "http://127.0.0.1:9999"))
    assert "a URL must be https" in configs.faults()[0]
    assert "vendor/a" in configs.load(egress_allow=frozenset({"127.0.0.1:9999"})).pipelines


def test_parameters_of_a_call_are_typed_by_the_pipeline(configs: Configs) -> None:
    catalog = configs.load()
    inputs = catalog.inputs(catalog.pipelines["vendor/users_extract"], {"date": "2025-06-01"}, TODAY)
    assert inputs.parameters == {"date": "2025-06-01"}
