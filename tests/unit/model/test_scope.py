"""A scope covers its own resource and action, and what its wildcards stand for; nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.scope import EXECUTE, READ, SCOPES, WRITE, grants


@pytest.mark.parametrize(
    ("held", "covered"),
    [
        ({"*"}, SCOPES),
        ({"*:*"}, SCOPES),
        ({"pipelines:*"}, SCOPES),
        ({"*:read"}, {READ}),
        ({READ}, {READ}),
        ({WRITE, EXECUTE}, {WRITE, EXECUTE}),
        ({"pipelines"}, set()),
        ({"integrations:*", "pipelines:", ":read", "**", "PIPELINES:READ", "pipelines:read:own"}, set()),
        (set(), set()),
    ],
)
def test_scopes_cover_what_they_name(held: set[str], covered: set[str]) -> None:
    assert {scope for scope in SCOPES if grants(held, scope)} == covered


@given(st.text(alphabet="*:adepinrs", max_size=20))
def test_text_without_a_wildcard_covers_itself_alone(scope: str) -> None:
    if "*" not in scope:
        assert grants({scope}, READ) == (scope == READ)
