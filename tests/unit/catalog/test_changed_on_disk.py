"""Files that change under a running service change nothing of it: what was read at the start is what it runs by."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from workers.catalog import Catalog
from workers.model.table import Column

DECLARED = "steps: [{step_id: load_it, ps_type: generic.nothing}]"


@pytest.mark.fault("F62")
def test_what_is_edited_is_read_by_the_next_start_only(tmp_path: Path) -> None:
    configs = tmp_path / "configs"
    shutil.copytree("configs/system", configs / "system")
    (configs / "lab" / "test").mkdir(parents=True)
    (configs / "lab" / "test" / "flow.yml").write_text(DECLARED)
    running = Catalog.load(configs)
    pipeline, sql = running.find("lab", "test", "flow"), running.schemas.sql("system/sql/credential.sql")
    ledger = running.schemas.table("__load_ledger")

    (configs / "lab" / "test" / "flow.yml").write_text(DECLARED.replace("load_it", "load_other"))
    (configs / "system" / "sql" / "credential.sql").write_text("SELECT 1")
    (configs / "system" / "schemas" / "load_ledger.json").write_text("{")
    assert running.find("lab", "test", "flow") is pipeline
    assert running.schemas.sql("system/sql/credential.sql") == sql
    assert running.schemas.table("__load_ledger") is ledger
    assert isinstance(ledger.columns[0], Column)

    shutil.copy("configs/system/schemas/load_ledger.json", configs / "system" / "schemas" / "load_ledger.json")
    started = Catalog.load(configs).find("lab", "test", "flow")
    assert pipeline is not None
    assert started is not None
    assert started.config_hash != pipeline.config_hash
