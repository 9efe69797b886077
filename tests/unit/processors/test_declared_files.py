from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from workers.catalog import Catalog

CONFIGS = Path("configs")
PIPELINES = {("openai", "cost", "usage_cost"): "openai/cost/sql", ("anthropic", "", "usage_cost"): "anthropic/sql"}
SQL = [
    (pipeline, path)
    for pipeline, folder in PIPELINES.items()
    for path in (CONFIGS / "system/sql/loaded_days.sql", *sorted((CONFIGS / folder).glob("*.sql")))
]


def pinned(root: Path, pipeline: tuple[str, str, str]) -> str:
    found = Catalog.load(root / "configs").find(*pipeline)
    assert found is not None
    return found.config_hash


@pytest.mark.parametrize(("pipeline", "path"), SQL, ids=str)
def test_a_run_is_pinned_to_every_statement_of_its_steps(
    tmp_path: Path, pipeline: tuple[str, str, str], path: Path
) -> None:
    shutil.copytree(CONFIGS, tmp_path / "configs")
    before = pinned(tmp_path, pipeline)
    with (tmp_path / path).open("a") as file:
        file.write("-- changed\n")
    assert pinned(tmp_path, pipeline) != before
