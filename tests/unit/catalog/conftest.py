from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from attrs import frozen

from workers.catalog import Catalog, ConfigError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "configs"
STEP = """\
steps:
  - step_id: extract_users
    ps_type: generic.api_extractor
    config:
      url: https://api.vendor.com/v1/users
"""


@frozen
class Configs:
    """A copy of the fixture tree that a test may spoil."""

    root: Path

    def write(self, path: str, text: str | bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())

    def load(self, **settings: object) -> Catalog:
        return Catalog.load(self.root, processors_package="tests.fixtures.processors", **settings)  # type: ignore[arg-type]

    def faults(self, **settings: object) -> list[str]:
        """What is wrong, without the tree's own name."""
        with pytest.raises(ConfigError) as raised:
            self.load(**settings)
        return [str(problem).removeprefix("configs/") for problem in raised.value.problems]


@pytest.fixture
def configs(tmp_path: Path) -> Configs:
    shutil.copytree(FIXTURES, tmp_path / "configs")
    return Configs(tmp_path / "configs")
