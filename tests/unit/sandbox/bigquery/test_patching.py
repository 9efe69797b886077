"""A repair that no longer finds what it repairs fails at once."""

from __future__ import annotations

import types

import pytest
from bqemulator.api.routes import models

from sandbox.bigquery.patching import patch, patch_everywhere, wrap, wrap_route


def test_what_does_not_exist_cannot_be_replaced() -> None:
    with pytest.raises(AttributeError):
        patch(types.SimpleNamespace(), "gone", None)


def test_what_nothing_refers_to_cannot_be_replaced() -> None:
    with pytest.raises(LookupError):
        patch_everywhere(object(), None)


def test_an_endpoint_that_no_route_serves_cannot_be_wrapped() -> None:
    with pytest.raises(LookupError):
        wrap_route(models.router, test_what_does_not_exist_cannot_be_replaced, lambda original: original)


def test_a_wrapper_decides_what_becomes_of_the_call() -> None:
    place = types.SimpleNamespace(double=lambda n: 2 * n)
    wrap(place, "double", lambda original, n: original(n) + 1)
    assert place.double(3) == 7


async def test_a_coroutine_stays_one_when_wrapped() -> None:
    async def answer() -> int:
        return 1

    async def around(original: object) -> tuple[object, int]:
        assert callable(original)
        return "asked", await original()

    place = types.SimpleNamespace(answer=answer)
    wrap(place, "answer", around)
    assert await place.answer() == ("asked", 1)
