"""Bounds in seconds on the parts of one request; its whole is the provider's own limit."""

from __future__ import annotations

from attrs import frozen


@frozen
class Timeouts:
    """Seconds until a connection stands, and seconds without any byte."""

    connect: float = 10.0
    read: float = 30.0
