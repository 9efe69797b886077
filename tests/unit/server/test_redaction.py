"""No secret is logged, whatever it is wrapped in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.redaction import HIDDEN, Redactor
from workers.model.secret import Secret

REDACTOR = Redactor([Secret("root-5f1c9d2e7b3a4860"), Secret('quo"ted\\secret'), None, Secret("short")])

LOOKS = [
    "sk-proj-Abc_123-def456",
    "Bearer abcdef.123-x",
    "bearer lowercase-token",
    "Basic dXNlcjpwYXNz",
    "https://api.example.com/v1?api_key=topsecret1",
    "https://x/y?page=2&key=topsecret1&z=3",
    "postgresql://svc:topsecret1@db:5432/journal",
    "AIzaSyA1234567890abcdefghijklmno",
    "ya29.a0AfH6SMBx-topsecret1",
    "eyJhbGciOi.eyJzdWIi.topsecret1",
    "acme_api_topsecret1",
    "('x-api-key', 'topsecret1abc')",
    "-----BEGIN PRIVATE KEY-----\nMIItopsecret1\n-----END PRIVATE KEY-----",
    "root-5f1c9d2e7b3a4860",
]
MARKS = ("topsecret1", "Abc_123", "abcdef.123", "lowercase-token", "dXNlcjpwYXNz", "SyA12345", "5f1c9d2e")


@pytest.mark.parametrize("text", LOOKS)
def test_what_looks_like_a_secret_is_hidden_inside_any_sentence(text: str) -> None:
    shown = REDACTOR.text(f"failed for {text} twice")
    assert HIDDEN in shown
    assert not any(mark in shown for mark in MARKS)
    assert shown.startswith("failed for ")


@pytest.mark.parametrize("text", LOOKS)
def test_a_rendered_line_hides_it_too(text: str) -> None:
    line = json.dumps({"event": "x", "detail": text, "more": {"list": [text]}})
    shown = REDACTOR.line(None, "", line)
    assert not any(mark in shown for mark in MARKS)
    assert json.loads(shown)["event"] == "x"


def test_a_known_secret_is_hidden_as_json_writes_it() -> None:
    line = REDACTOR.line(None, "", json.dumps({"detail": 'it was quo"ted\\secret!'}))
    assert json.loads(line) == {"detail": f"it was {HIDDEN}!"}


@pytest.mark.parametrize(
    "name", ["password", "Authorization", "api_key", "x-api-key", "apikey", "root_key", "client_secret", "token"]
)
def test_fields_are_hidden_by_their_names_at_any_depth(name: str) -> None:
    event: dict[str, Any] = {"event": "x", name: "v", "in": {"list": [{name: {"deep": "v"}}]}}
    shown = REDACTOR.fields(None, "", event)
    assert (shown[name], shown["in"]["list"][0][name], shown["event"]) == (HIDDEN, HIDDEN, "x")


@pytest.mark.parametrize("name", ["key_id", "tokens", "input_tokens", "monkey", "keyboard", "method"])
def test_ordinary_fields_are_shown(name: str) -> None:
    assert REDACTOR.fields(None, "", {name: "v"}) == {name: "v"}


@pytest.mark.parametrize(
    "text", ["http://localhost:8000/health", "task-runner", "run 5 of 7", "GET /v1/usage?page=2", "risk-adjusted"]
)
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert REDACTOR.text(text) == text


@given(st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    assert isinstance(REDACTOR.text(text), str)


def test_what_contains_itself_ends() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = loop
    assert "…" in repr(REDACTOR.fields(None, "", loop))
