"""The REST contract as its document says it: what it allows is served, all else refused, and both as documented."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given, note
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, Response

from server.edge import OPENAPI
from tests.e2e.stack.fuzz.conftest import Fuzzed
from tests.e2e.stack.fuzz.documented import NOWHERE, Documented, faults, fields_of, reply_of
from tests.e2e.stack.fuzz.inside import BEYOND_RULES, INSIDE
from tests.fakes.effort import LONG, effort

PATHS = json.loads(OPENAPI.read_text())["paths"]
OPERATIONS = {f"{verb.upper()} {path}": said for path, verbs in PATHS.items() for verb, said in verbs.items()}
FORM = {"REQUEST_INVALID", "PAGE_TOKEN_INVALID"}
# What writes every procedure takes its time, and has few inputs; what is deleted cannot be asked for.
SLOW = () if LONG else ("POST /api/v1/procedures/sync",)
# Schemathesis draws their bodies in another order each time, which Hypothesis does not forgive for long; every bound of
# them is tried above all the same, and anything is sent to them over gRPC.
UNSTEADY = ("RunPipeline", "PutSchedule", "RetryRun") if LONG else ()
LABELS = sorted(OPERATIONS.keys() - SLOW, key=lambda label: (label.startswith("DELETE"), label))


@pytest.fixture(scope="session")
def documented(fuzzed: Fuzzed) -> Iterator[Documented]:
    with requests.Session() as session:
        session.trust_env = False
        answers = fuzzed.running.answers
        session.hooks["response"].append(lambda said, *_args, **_kwargs: answers.keep(said.content))
        yield Documented.served(fuzzed, session)


@pytest.mark.parametrize("label", LABELS)
def test_every_bound_of_the_document_is_that_of_the_service(documented: Documented, label: str) -> None:
    for case in documented.covering(label):
        response = documented.call(case)
        _assert_documented(documented, label, case, response)


@pytest.mark.parametrize("label", [one for one in LABELS if OPERATIONS[one]["operationId"] not in UNSTEADY])
@given(data=st.data())
@effort(2, long=40)
def test_any_call_is_answered_as_documented(documented: Documented, label: str, data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from(list(GenerationMode)))
    case = data.draw(documented.cases(label, mode))
    response = documented.call(case)
    note(response.content.decode(errors="replace"))
    _assert_documented(documented, label, case, response)


def _assert_documented(documented: Documented, label: str, case: Case[Any], response: Response) -> None:
    reply, told = reply_of(response), f"{case.as_curl_command()} → {response.status_code} {response.content!r}"
    assert not INSIDE.search(reply.body.decode()), told
    assert not [secret for secret in documented.fuzzed.running.secrets if secret in reply.body.decode()]
    reason = reply.info["reason"] if reply.body and reply.status != 200 else ""
    if reason == NOWHERE or case.method != label.partition(" ")[0]:
        assert 400 <= reply.status < 500 or reply.status == 200, told  # it is a call of another operation, or of none
        return
    said = OPERATIONS[label]
    assert str(reply.status) in said["responses"], told
    assert reply.status < 500 or reason == "NOT_IMPLEMENTED", told
    faults(case, response)
    if case.meta is not None and case.meta.generation.mode.is_positive and reason in FORM:
        assert fields_of(reply) & BEYOND_RULES.get(said["operationId"], set()), told
