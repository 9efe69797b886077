"""What the documentation declares can be declared."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from workers.catalog import Catalog
from workers.model.notice import Channel

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


def test_settings_of_notifications_are_shown_by_files_that_load_together(tmp_path: Path) -> None:
    shutil.copytree("configs/system", tmp_path / "configs" / "system")
    for text in _EXAMPLE.findall(Path("docs/NOTIFICATIONS.md").read_text()):
        target = tmp_path / "configs" / text.splitlines()[0].removeprefix("# ")
        target.parent.mkdir(parents=True)
        target.write_text(text)
    catalog = Catalog.load(tmp_path / "configs")
    pipeline = catalog.find("vendor", "", "usage")
    assert pipeline is not None
    assert catalog.notifications.terms("acme", Channel.EMAIL, pipeline).to == ("data-team@acme.example.com",)
    assert [step.trigger for step in pipeline.steps if step.trigger] == ["on_failure", "on_completion"]
