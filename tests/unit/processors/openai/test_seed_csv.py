from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest

from tests.fakes.step_bench import Bench
from workers.catalog import Catalog
from workers.model.failure import FailedError, Reason
from workers.ports import Row, StepResult
from workers.processors.openai.seed_csv import OpenAiSeedCsv, SeedConfig

HEAD = "provider,model_id,meter,variant,price_usd,per,effective_date\n"
LISTED = HEAD + "openai,gpt-x,input,standard,1,1000000,2025-01-01\nanthropic,claude,input,standard,9,1,2025-01-01\n"
OWN = HEAD + "openai,gpt-x,input,standard,0.5,1000000,2025-03-01\n"
CONFIG = SeedConfig("openai/cost/prices/small.csv", "orgs/acme/prices.csv")


@pytest.fixture
def small(tmp_path: Path) -> Bench:
    """A bench whose configs hold one small price list."""
    shutil.copytree("configs", tmp_path / "configs")
    bench = Bench(Catalog.load(tmp_path / "configs"), lambda _read: [])
    put(bench, tmp_path, LISTED)
    return bench


def put(bench: Bench, root: Path, listed: str, own: str | None = None) -> None:
    (root / "configs" / CONFIG.file).write_text(listed)
    if own is not None:
        (root / "configs/orgs/acme").mkdir(parents=True, exist_ok=True)
        (root / "configs" / CONFIG.own_file).write_text(own)
    bench.catalog = Catalog.load(root / "configs")


async def seed(bench: Bench, *, force_refresh: bool = False) -> StepResult:
    return await OpenAiSeedCsv().execute(CONFIG, bench.context(force_refresh=force_refresh))


def remember(bench: Bench) -> None:
    """Answer from now on what was published last, as the warehouse would."""
    versions = {row["source_hash"] for row in bench.warehouse.published[-1].rows}
    others = bench.warehouse.answer

    def answer(sql: str, asked: Mapping[str, object]) -> Sequence[Row]:
        known = "source_hash" in sql
        return [{"source_hash": version} for version in versions] if known else others(sql, asked)

    bench.warehouse.answer = answer


COLUMNS = (
    "provider", "model_id", "input_price_per_1k", "output_price_per_1k", "effective_date", "end_date", "is_enabled",
    "is_custom", "notes",
)  # fmt: skip


def keep(bench: Bench, *rows: Row, columns: Sequence[str] = COLUMNS) -> None:
    """Let the platform keep prices in the dataset."""

    def answer(sql: str, _asked: Mapping[str, object]) -> Sequence[Row]:
        if "INFORMATION_SCHEMA" in sql:
            return [{"column_name": name} for name in columns]
        return rows if "llm_model_pricing" in sql else ()

    bench.warehouse.answer = answer


def kept(price: float, model: str = "gpt-x") -> Row:
    return {
        "model_id": model, "meter": "input", "price": price, "per": 1000,
        "effective_date": date(2025, 2, 1), "end_date": None,
    }  # fmt: skip


async def refusal(bench: Bench) -> str:
    with pytest.raises(FailedError) as caught:
        await seed(bench)
    assert caught.value.failure.reason is Reason.CONFIG_INVALID
    assert bench.warehouse.published == []
    return caught.value.failure.message


async def test_the_providers_prices_replace_those_that_were_there(small: Bench) -> None:
    result = await seed(small)
    (done,) = small.warehouse.published
    assert (done.table, done.window, done.scope) == ("llm_price_book", None, {"provider": "OPENAI"})
    assert [(row["model_id"], row["is_custom"]) for row in done.rows] == [("gpt-x", False)]
    assert (result.rows, result.output["changed"]) == (1, True)


async def test_prices_are_loaded_again_only_when_a_file_has_changed(small: Bench, tmp_path: Path) -> None:
    await seed(small)
    remember(small)
    assert (await seed(small)).output["changed"] is False
    put(small, tmp_path, LISTED + "openai,gpt-y,input,standard,1,1,2025-01-01\n")
    assert (await seed(small)).rows == 2
    remember(small)
    put(small, tmp_path, LISTED + "openai,gpt-y,input,standard,1,1,2025-01-01\n", OWN)
    assert (await seed(small)).rows == 3
    assert len(small.warehouse.published) == 3


async def test_force_refresh_loads_them_whatever_is_there(small: Bench) -> None:
    await seed(small)
    remember(small)
    assert (await seed(small, force_refresh=True)).output["changed"] is True


async def test_prices_that_a_newer_run_has_loaded_are_left_to_it(small: Bench) -> None:
    small.warehouse.superseded = 1
    assert (await seed(small)).output["changed"] is False
    assert small.messages == ["the prices were left to a newer run, which has loaded them"]


async def test_the_organisations_own_prices_stand_beside_the_list_as_custom(small: Bench, tmp_path: Path) -> None:
    put(small, tmp_path, LISTED, OWN)
    await seed(small)
    rows = small.warehouse.published[0].rows
    assert [(row["is_custom"], row["source"], str(row["price_usd"])) for row in rows] == [
        (False, "list", "1.000000000"),
        (True, "org", "0.500000000"),
    ]


async def test_a_missing_list_says_which_file_it_is(small: Bench, tmp_path: Path) -> None:
    (tmp_path / "configs" / CONFIG.file).unlink()
    small.catalog = Catalog.load(tmp_path / "configs")
    assert await refusal(small) == "configs/openai/cost/prices/small.csv does not exist"


async def test_a_fault_names_file_and_line_and_leaves_the_prices_as_they_were(small: Bench, tmp_path: Path) -> None:
    put(small, tmp_path, LISTED, OWN + "openai,gpt-x,input,standard,free,1,2025-01-01\n")
    assert (await refusal(small)).startswith("orgs/acme/prices.csv:3: price_usd")


async def test_the_platforms_prices_stand_beside_the_list_as_custom(small: Bench) -> None:
    keep(small, kept(0.0005))
    await seed(small)
    rows = small.warehouse.published[0].rows
    assert [(row["precedence"], row["is_custom"], row["source"]) for row in rows] == [
        (2, False, "list"),
        (1, True, "llm_model_pricing"),
    ]
    assert (str(rows[1]["price_usd"]), rows[1]["per"]) == ("0.000500000", 1000)


async def test_a_changed_price_of_the_platform_loads_them_again(small: Bench) -> None:
    keep(small, kept(0.0005))
    await seed(small)
    for price, changed in ((0.0005, False), (0.0006, True)):
        keep(small, kept(price))
        remember(small)
        assert (await seed(small)).output["changed"] is changed


async def test_a_table_of_the_platform_without_a_needed_column_is_refused_naming_it(small: Bench) -> None:
    keep(small, columns=COLUMNS[2:])
    assert await refusal(small) == "table llm_model_pricing has no column provider, model_id"


async def test_a_price_of_the_platform_that_cannot_be_used_is_named_and_nothing_loaded(small: Bench) -> None:
    keep(small, kept(0.1), kept(-0.1, "gpt-y"))
    with pytest.raises(FailedError, match="llm_model_pricing: gpt-y, input from 2025-02-01: the price is negative"):
        await seed(small)
    assert small.warehouse.published == []
