"""What the documentation declares can be declared."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from workers.catalog import Catalog

_EXAMPLE = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = _EXAMPLE.findall(Path("docs/API_EXTRACTOR.md").read_text())


def test_the_extractor_is_shown_by_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_a_pipeline_that_loads(text: str, tmp_path: Path) -> None:
    shutil.copytree("configs/system", tmp_path / "configs" / "system")
    target = tmp_path / "configs" / "vendor" / "example.yml"
    target.parent.mkdir()
    target.write_text(text)
    assert Catalog.load(tmp_path / "configs").pipelines["vendor/example"].steps
