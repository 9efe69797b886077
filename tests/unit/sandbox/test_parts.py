"""Ports for servers that are yet to start."""

from __future__ import annotations

import socket

import pytest

from sandbox import parts
from sandbox.parts import free_port


def test_a_free_port_is_none_that_a_client_may_be_given_meanwhile() -> None:
    assert {free_port() in range(20_000, 32_768) for _ in range(50)} == {True}


def test_a_port_that_somebody_has_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        monkeypatch.setattr(parts, "SERVED", [held.getsockname()[1]])
        monkeypatch.setattr(parts, "TRIED", 1)
        with pytest.raises(OSError, match="none of 1 ports"):
            free_port()
