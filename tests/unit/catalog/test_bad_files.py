"""`pipelines validate` over every file that is wrong: each is refused alone, and all of them are told at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from server.cli import main
from tests.unit.catalog.bad_files import BAD_FILES, PIPELINE, BadFile, config
from tests.unit.catalog.conftest import Configs


def told(root: Path) -> list[tuple[str, str]]:
    """Return place and text of every fault that the command prints."""
    result = CliRunner().invoke(main, ["validate", "--configs", str(root), "--json"])
    assert result.exit_code == 2, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["level"] for line in lines} == {"error"}
    return [
        (f"{line['file'].removeprefix('configs/')}:{line['line']}:{line['column']}", line["message"]) for line in lines
    ]


def named(bad: BadFile) -> str:
    return f"{bad.item}-{bad.said[:30]}"


@pytest.mark.parametrize("bad", BAD_FILES, ids=named)
def test_a_file_that_is_wrong_is_refused_with_its_place(configs: Configs, bad: BadFile) -> None:
    configs.write(bad.path, bad.content)
    found = told(configs.root)
    assert {place.partition(":")[0] for place, _ in found} == {bad.path}
    assert [said for place, said in found if place == f"{bad.path}:{bad.where}" and bad.said in said], found


def test_all_that_is_wrong_in_all_files_is_told_at_once(configs: Configs) -> None:
    pipelines = [bad for bad in BAD_FILES if bad.path == PIPELINE]
    for number, bad in enumerate(pipelines):
        configs.write(f"vendor/bad_{number}.yml", bad.content)
    found = told(configs.root)
    for number, bad in enumerate(pipelines):
        assert [said for place, said in found if place == f"vendor/bad_{number}.yml:{bad.where}" and bad.said in said]


@pytest.mark.item("G104")
def test_a_link_out_of_the_tree_is_not_followed_and_told(configs: Configs) -> None:
    outside = configs.root.parent / "outside.yml"
    outside.write_text(config())
    (configs.root / "vendor" / "linked.yml").symlink_to(outside)
    (configs.root / "linked").symlink_to(configs.root.parent)
    assert told(configs.root) == [
        ("linked:0:0", "a linked folder is not followed"),
        ("vendor/linked.yml:0:0", "is a link that leaves the folder"),
    ]
