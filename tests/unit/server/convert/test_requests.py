"""What a request says beside its fields' rules."""

from __future__ import annotations

import pytest
from google.protobuf.struct_pb2 import Struct, Value

from server.convert.requests import domain_of, idempotency_key_of, page_size_of, parameters_of
from server.convert.values import struct_of
from workers.model.failure import FailedError, Reason


@pytest.mark.parametrize(("size", "limit", "wanted"), [(0, 0, 20), (5, 0, 5), (0, 7, 7), (5, 7, 5), (10**9, 0, 100)])
def test_a_page_has_twenty_entries_unless_asked_and_never_more_than_a_hundred(
    size: int, limit: int, wanted: int
) -> None:
    assert page_size_of(size, limit) == wanted


def test_a_dash_stands_for_no_domain() -> None:
    assert [domain_of(text) for text in ("-", "", "cost")] == ["", "", "cost"]


@pytest.mark.parametrize("key", ["a", "retry 7", "~" * 128])
def test_a_printable_key_is_taken_as_it_is(key: str) -> None:
    assert idempotency_key_of((key,)) == key


def test_no_key_is_none() -> None:
    assert idempotency_key_of(()) is None


@pytest.mark.parametrize("values", [("",), ("   ",), ("a" * 129,), ("a\tb",), ("ä",), ("a", "a"), ("x" * 10_000,)])
def test_what_is_no_idempotency_key_is_refused(values: tuple[str, ...]) -> None:
    with pytest.raises(FailedError) as caught:
        idempotency_key_of(values)
    assert caught.value.failure.reason is Reason.REQUEST_INVALID


def test_parameters_come_as_they_were_sent() -> None:
    assert parameters_of(struct_of({"date": "2025-01-01", "n": 3})) == {"date": "2025-01-01", "n": 3}
    assert parameters_of(Struct()) == {}


@pytest.mark.parametrize("value", [Value(), Value(null_value=7)], ids=["no_kind", "no_null"])  # type: ignore[arg-type]
def test_a_parameter_that_no_json_can_be_is_named(value: Value) -> None:
    with pytest.raises(FailedError) as caught:
        parameters_of(Struct(fields={"fine": Value(bool_value=True), "x": value}))
    assert caught.value.failure.reason is Reason.PARAMETERS_INVALID
    assert [violation.field for violation in caught.value.failure.violations] == ["x"]


def test_parameters_beyond_all_need_are_not_even_looked_at() -> None:
    with pytest.raises(FailedError) as caught:
        parameters_of(struct_of({"x": "y" * 70_000}))
    assert caught.value.failure.reason is Reason.PARAMETERS_INVALID
