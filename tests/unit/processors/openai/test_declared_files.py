from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from workers.catalog import Catalog

SQL = sorted(path.name for path in Path("configs/openai/cost/sql").glob("*.sql"))


def pinned(root: Path) -> str:
    pipeline = Catalog.load(root / "configs").find("openai", "cost", "usage_cost")
    assert pipeline is not None
    return pipeline.config_hash


@pytest.mark.parametrize("name", SQL)
def test_a_run_is_pinned_to_every_statement_of_its_steps(tmp_path: Path, name: str) -> None:
    shutil.copytree("configs", tmp_path / "configs")
    before = pinned(tmp_path)
    with (tmp_path / "configs/openai/cost/sql" / name).open("a") as file:
        file.write("-- changed\n")
    assert pinned(tmp_path) != before
