"""Everything below configs/ loads as the service loads it, and says what the documentation says."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from workers.catalog import Catalog
from workers.catalog.documents import read_document
from workers.catalog.problems import Findings
from workers.model.failure import FailedError
from workers.model.window import DateWindow

CONFIGS = Path("configs")
PLANS = {
    "STARTER": (6, 180, 20, 1),
    "PROFESSIONAL": (25, 750, 20, 2),
    "SCALE": (100, 3000, 20, 4),
    "ENTERPRISE": (999999, 999999, 999999, 8),
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load(CONFIGS)


def test_the_pipelines_of_openai_are_declared(catalog: Catalog) -> None:
    names = {"openai/cost/usage_cost", "openai/cost/cost_extract", "openai/cost/cost_calculation"}
    assert names <= catalog.pipelines.keys()


def test_the_pipeline_of_anthropic_has_no_domain(catalog: Catalog) -> None:
    assert catalog.find("anthropic", "", "usage_cost") is catalog.find("anthropic", "-", "usage_cost") is not None
    assert catalog.find("anthropic", "usage_cost", "usage_cost") is None


def test_every_pipeline_is_pinned_by_a_hash_and_reads_back_from_its_source(catalog: Catalog) -> None:
    for path, pipeline in catalog.pipelines.items():
        assert len(pipeline.config_hash) == 64
        assert catalog.parse(path, pipeline.source) == pipeline


def test_every_pipeline_requires_registered_providers(catalog: Catalog) -> None:
    for pipeline in catalog.pipelines.values():
        for provider in pipeline.integration_required:
            assert catalog.provider(provider).slug == provider


@pytest.mark.parametrize(
    "key", [f"sk-admin-{'a' * 60}", f"sk-ant-admin01-{'a' * 60}", '{"private_key": "a"}', "a1" * 16]
)
def test_a_credential_that_is_not_sealed_is_refused_before_it_is_kept_anywhere(catalog: Catalog, key: str) -> None:
    store, day = catalog.pipelines["integrations/credentials/store"], date(2025, 6, 15)
    with pytest.raises(FailedError) as raised:
        catalog.inputs(store, {"credential": "OPENAI", "sealed": key}, day)
    assert [one.field for one in raised.value.failure.violations] == ["sealed"]
    assert key not in str(raised.value.failure)
    assert catalog.inputs(store, {"credential": "OPENAI", "sealed": "A" * 54 + "=="}, day)


PROVIDERS = ("OPENAI", "ANTHROPIC", "GCP_SA", "SMTP", "SLACK")


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_says_where_its_prices_are_and_how_its_credential_is_tried(catalog: Catalog, name: str) -> None:
    declared = catalog.provider(name).declared
    assert bool(declared.validation) is bool(declared.base_url)
    if declared.pricing:
        assert f",{name.lower()}," in str(catalog.schemas.text(declared.pricing.prices))
        assert catalog.schemas.table(declared.pricing.table).name == declared.pricing.table


def test_every_declared_table_of_a_provider_has_a_schema(catalog: Catalog) -> None:
    tables = [table for name in PROVIDERS for table in catalog.provider(name).declared.tables]
    assert "openai_cost_daily" in tables
    assert [catalog.schemas.table(table).name for table in tables] == tables


NAMED_OTHERWISE = {"billing_cost.json": "billing_cost"}  # the name it has always had on the platform


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("schemas/*.json")), ids=str)
def test_every_schema_is_named_after_its_table_and_describes_its_columns(path: Path) -> None:
    schema = json.loads(path.read_text())
    assert path.stem == NAMED_OTHERWISE.get(path.name, schema["table"].lstrip("_"))
    assert schema["description"]
    assert all(column["description"] for column in schema["columns"])


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yml")), ids=str)
def test_every_yaml_file_is_strict(path: Path) -> None:
    findings = Findings()
    assert read_document(str(path), path.read_bytes(), findings), findings.problems


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.sql")), ids=str)
def test_every_sql_file_begins_with_what_it_gives(path: Path) -> None:
    assert path.read_text().startswith("-- ")


def test_plans_are_those_that_are_sold(catalog: Catalog) -> None:
    for name, (daily, monthly, at_once, weight) in PLANS.items():
        plan = catalog.plans.find(name)
        assert (plan.daily_limit, plan.monthly_limit, plan.concurrent_limit, plan.weight) == (
            daily,
            monthly,
            at_once,
            weight,
        )


def test_an_alias_is_never_the_path_of_a_processor() -> None:
    findings = Findings()
    document = read_document("processors.yml", (CONFIGS / "system/processors.yml").read_bytes(), findings)
    assert document is not None
    modules = Path("workers/processors")
    assert not [name for name in document.data["aliases"] if (modules / f"{name.replace('.', '/')}.py").exists()]


def test_every_step_that_calls_a_procedure_gives_it_what_its_file_takes(catalog: Catalog) -> None:
    calling = [
        step for one in catalog.pipelines.values() for step in one.steps if step.ps_type == "generic.procedure_executor"
    ]
    assert calling
    for step in calling:
        file = catalog.procedures.find(step.config["procedure"])
        assert file, step.config["procedure"]
        given = {one["name"]: one.get("type", "STRING") for one in step.config["parameters"]}
        assert given == {one.name: one.type for one in file.arguments if one.name != "p_dataset"}


def test_subscription_costs_are_for_the_days_asked_for_or_month_to_date(catalog: Catalog) -> None:
    pipeline, today = catalog.pipelines["saas_subscription/costs/saas_cost"], date(2026, 11, 23)
    assert catalog.inputs(pipeline, {}, today).window == DateWindow(date(2026, 11, 1), today)
    asked = {"start_date": "2024-11-22", "end_date": "2026-11-23"}
    assert len(catalog.inputs(pipeline, asked, today).window) == 732
    with pytest.raises(FailedError, match="732 are allowed"):
        catalog.inputs(pipeline, {**asked, "start_date": "2024-11-21"}, today)
