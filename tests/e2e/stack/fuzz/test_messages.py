"""Any bytes to any method with any key: one of the documented answers, nothing of the inside, nothing left behind."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, note
from hypothesis import strategies as st

from server import grpc as wire
from tests.e2e.stack.fuzz.conftest import ORG, Fuzzed, Outcome
from tests.e2e.stack.fuzz.inside import BEYOND_RULES, INSIDE
from tests.fakes.effort import effort
from tests.fakes.field_rules import carries_body, wrong_fields
from tests.fakes.messages import full_messages, messages
from tests.fakes.wire_noise import noisy

METHODS = sorted(
    (method for service in wire.OURS for method in service.methods),
    key=lambda method: method.name.startswith("Delete"),  # what is deleted cannot be asked for
)
KEYS = ("org", "org", "org", "root", "root", "both", "none", "bad")
ANSWERS = {
    *("OK", "INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED", "FAILED_PRECONDITION"),
    *("ALREADY_EXISTS", "ABORTED", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED"),
}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@given(data=st.data())
@effort(8)
async def test_any_bytes_get_a_documented_answer(fuzzed: Fuzzed, method: MethodDescriptor, data: st.DataObject) -> None:
    sent = data.draw(noisy(messages(method.input_type, fuzzed.known)), "bytes")
    who = data.draw(st.sampled_from(KEYS), "key")
    before = await fuzzed.marks()
    outcome = await fuzzed.call(method, sent, fuzzed.keys[who])
    note(f"{outcome.code} {outcome.said}")
    _assert_documented(fuzzed, outcome)
    if outcome.code != "OK":
        assert await fuzzed.marks() == before
    if who == "org":
        _assert_by_the_rules(method, sent, outcome)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@given(data=st.data())
@effort(3)
async def test_what_the_rules_allow_is_not_refused_by_them(
    fuzzed: Fuzzed, method: MethodDescriptor, data: st.DataObject
) -> None:
    sent = data.draw(full_messages(method.input_type, fuzzed.known), "message")
    assert wrong_fields(sent) == set()
    outcome = await fuzzed.call(method, sent.SerializeToString(), fuzzed.keys["org"])
    note(f"{outcome.code} {outcome.said}")
    _assert_documented(fuzzed, outcome)
    _assert_by_the_rules(method, sent.SerializeToString(), outcome)


def _assert_documented(fuzzed: Fuzzed, outcome: Outcome) -> None:
    assert outcome.code in ANSWERS
    assert not INSIDE.search(outcome.said), outcome.said
    assert not [secret for secret in fuzzed.running.secrets if secret in outcome.said]
    assert outcome.code == "OK" or outcome.reason


def _assert_by_the_rules(method: MethodDescriptor, sent: bytes, outcome: Outcome) -> None:
    """Compare with the rules what the call of an organisation was refused for."""
    request = _decoded(method, sent)
    if outcome.code in {"PERMISSION_DENIED", "RESOURCE_EXHAUSTED"}:
        return
    if request is None:
        assert (outcome.code, outcome.reason) == ("INVALID_ARGUMENT", "REQUEST_INVALID")
    elif not carries_body(request):
        wrong = wrong_fields(request)
        refused = outcome.fields if outcome.reason == "REQUEST_INVALID" else frozenset[str]()
        assert refused == wrong or (not wrong and refused <= BEYOND_RULES.get(method.name, set()))
    assert getattr(request, "org", ORG) == ORG


def _decoded(method: MethodDescriptor, sent: bytes) -> Message | None:
    try:
        return GetMessageClass(method.input_type).FromString(sent)
    except DecodeError:
        return None
