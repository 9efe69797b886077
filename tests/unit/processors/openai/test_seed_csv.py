from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.processors.openai.conftest import Bench
from workers.catalog import Catalog
from workers.model.failure import FailedError, Reason
from workers.ports import StepResult
from workers.processors.openai.seed_csv import OpenAiSeedCsv, SeedConfig

HEAD = "provider,model_id,meter,variant,price_usd,per,effective_date\n"
LISTED = HEAD + "openai,gpt-x,input,standard,1,1000000,2025-01-01\nanthropic,claude,input,standard,9,1,2025-01-01\n"
OWN = HEAD + "openai,gpt-x,input,standard,0.5,1000000,2025-03-01\n"
CONFIG = SeedConfig("openai/cost/prices/small.csv", "orgs/acme/prices.csv")


@pytest.fixture
def small(tmp_path: Path) -> Bench:
    """A bench whose configs hold one small price list."""
    shutil.copytree("configs", tmp_path / "configs")
    bench = Bench(Catalog.load(tmp_path / "configs"))
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
    bench.warehouse.answer = lambda _sql, _asked: [{"source_hash": version} for version in versions]


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
