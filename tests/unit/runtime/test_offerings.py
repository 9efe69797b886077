from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.run import Progress
from workers.ports import StepResult
from workers.runtime import offerings

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(st.dictionaries(st.text(), values), st.integers(0, 2**63 - 1))
def test_what_json_can_say_is_kept_as_it_is(output: dict[str, Any], rows: int) -> None:
    given_ = StepResult(rows, rows, output)
    assert offerings.result(given_) is given_
    assert json.loads(json.dumps(offerings.state(output))) == json.loads(json.dumps(output))


@pytest.mark.parametrize("state", [None, "x", 5, [("a", 1)], {"a": {1, 2}}, {"a": float("inf")}, {("a",): 1}])
def test_what_json_cannot_say_is_refused(state: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        offerings.state(state)


@pytest.mark.parametrize("count", [-1, 2**63, 1.0, "1", None, True])
def test_what_is_no_count_is_refused(count: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        offerings.progress(Progress(count))
    with pytest.raises((TypeError, ValueError)):
        offerings.result(StepResult(bytes=count))
