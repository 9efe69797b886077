"""Every processor can be loaded by its path, and is what the runner takes it for."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path
from typing import get_type_hints

import attrs
import pytest
from cattrs import ClassValidationError

from workers.catalog.faults import faults
from workers.catalog.processors import Engines
from workers.catalog.structure import structure
from workers.ports import StepContext, StepResult

ROOT = Path("workers/processors")


def _is_processor(path: Path) -> bool:
    tree = ast.parse(path.read_text())
    return any(isinstance(node, ast.FunctionDef) and node.name == "get_engine" for node in tree.body)


PS_TYPES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.rglob("*.py") if _is_processor(path)
)


def test_the_processors_of_openai_are_there() -> None:
    assert {"openai.usage", "openai.cost", "openai.seed_csv"} <= set(PS_TYPES)


def test_the_processors_of_anthropic_are_there() -> None:
    found = {"anthropic.usage", "anthropic.cost", "anthropic.reported_cost", "anthropic.claude_code"}
    assert found <= set(PS_TYPES)


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=str)
def test_every_module_imports(path: Path) -> None:
    assert importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))


@pytest.mark.parametrize("ps_type", PS_TYPES)
def test_every_processor_loads_by_its_name(ps_type: str) -> None:
    engine = Engines("workers.processors", {}).find(ps_type)
    assert inspect.iscoroutinefunction(engine.execute)
    hints = get_type_hints(engine.execute)
    assert (hints["config"], hints["ctx"], hints["return"]) == (engine.Config, StepContext, StepResult)


@pytest.mark.parametrize("ps_type", PS_TYPES)
def test_every_config_is_frozen_and_is_read_strictly(ps_type: str) -> None:
    config = Engines("workers.processors", {}).find(ps_type).Config
    assert attrs.inspect(config).is_frozen
    with pytest.raises(ClassValidationError) as raised:
        structure({"no_such_key": 1}, config)
    assert "unknown key 'no_such_key'" in [fault.message for fault in faults(raised.value)]
