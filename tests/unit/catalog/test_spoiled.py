"""Declarations of the service with anything in the place of a value: read, or refused with a place, never a failure."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.effort import effort
from workers.catalog import Catalog, ConfigError

OURS = Path(__file__).parents[3] / "configs"
NAMES = (
    *("system/providers.yml", "system/plans.yml", "system/schemas/org_api_keys.json", "openai/cost/usage_cost.yml"),
    *("gcp/api/compute_instances.yml", "example/usage/example_elt_pipeline.yml", "openai/subscriptions.yml"),
    *("notify_systems/email_notification/config.yml", "system/processors.yml", "system/dataset_types.yml"),
)
ANYTHING: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(
            None,
            True,
            -1,
            0,
            10**17,
            1.5,
            "",
            "x" * 300,
            "a\0b",
            "{org_slug}",
            "${x}",
            "{",
            [],
            {},
            [[]],
            {"": 1},
            ["a", "a"],
        ),
        *("../../etc/passwd", "\u202e", "no", "1e9", "2025-02-30", "https://10.0.0.1/", "(a+)+", "a{99999999999}"),
        *(
            "*/0 * * * *",
            "Mars/Olympus",
            "__x",
            "a.b",
            "`x`",
            "SELECT 1;--",
            "$.a[*]",
            "a\r\nb",
            "..",
            {"a": {"b": {}}},
        ),
    ]
)
Place = tuple[str | int, ...]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("spoiled") / "configs"
    shutil.copytree(OURS, found)
    return found


@given(data=st.data())
@effort(12, long=2000)
def test_a_spoiled_declaration_is_read_or_refused_with_its_place(root: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    whole = _read(OURS / name)
    for _ in range(data.draw(st.integers(1, 2))):
        whole = _spoiled(whole, data)
    found = _faults(root, name, _written(name, whole))
    assert all(fault.startswith("configs/") and len(fault) < 1000 for fault in found), found
    assert not [fault for fault in found if "Traceback" in fault or "object at" in fault or "<class" in fault]


def _spoiled(whole: Any, data: st.DataObject) -> Any:
    """Return a copy in which one member holds something else, is gone, or is called something else."""
    whole = copy.deepcopy(whole)
    places = [place for place in _places(whole) if place]
    if not places:
        return whole
    *way, last = data.draw(st.sampled_from(places))
    around = _at(whole, tuple(way))
    change = data.draw(st.sampled_from(["replace", "replace", "replace", "remove", "rename"]))
    if change == "rename" and isinstance(around, dict):
        around[data.draw(st.sampled_from(["x", "", "🦣", f"{last}s", "org_slug", "1"]))] = around.pop(last)
    elif change == "remove":
        del around[last]
    else:
        around[last] = copy.deepcopy(data.draw(ANYTHING))
    return whole


def _faults(root: Path, name: str, text: str) -> tuple[str, ...]:
    (root / name).write_text(text)
    try:
        Catalog.load(root)
    except ConfigError as error:
        return tuple(str(problem) for problem in error.problems)
    finally:
        shutil.copy(OURS / name, root / name)
    return ()


def _read(path: Path) -> Any:
    return json.loads(path.read_text()) if path.suffix == ".json" else yaml.safe_load(path.read_text())


def _written(name: str, whole: Any) -> str:
    return json.dumps(whole) if name.endswith(".json") else str(yaml.safe_dump(whole, sort_keys=False))


def _places(value: Any, place: Place = ()) -> Iterator[Place]:
    yield place
    members = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from _places(member, (*place, name))


def _at(value: Any, place: Place) -> Any:
    for name in place:
        value = value[name]
    return value
