"""What a step may say about the procedure it calls; the call itself is tested on the warehouse."""

from __future__ import annotations

from typing import Any

import pytest

from workers.catalog.faults import faults
from workers.catalog.structure import structure
from workers.processors.generic.procedure_executor import ProcedureConfig

DAY = {"name": "p_day", "type": "DATE", "default": "TODAY"}
PUBLISH = {"made": "t", "table": "facts", "first": "p_day", "last": "p_day"}


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({}, "procedure"),
        ({"procedure": "a.b"}, "letters, digits and underscores"),
        ({"procedure": "a", "parameters": [{"name": "p`"}]}, "letters, digits and underscores"),
        ({"procedure": "a", "parameters": [{"name": "p", "type": "GEOGRAPHY"}]}, "must be one of"),
        ({"procedure": "a", "parameters": [DAY, DAY]}, "named twice"),
        ({"procedure": "a", "publish": [PUBLISH]}, "p_day, which is no parameter"),
        ({"procedure": "a", "parameters": [DAY], "publish": [{**PUBLISH, "last": ""}]}, "stand together"),
        ({"procedure": "a", "told": "t"}, "stands beside 'publish'"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused_at_the_start(config: dict[str, Any], what: str) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever attrs and cattrs raise
        structure(config, ProcedureConfig)
    assert any(what in fault.message for fault in faults(raised.value))
