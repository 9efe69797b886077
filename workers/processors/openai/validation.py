"""Proves the stored admin key by a call that takes the scope api.usage.read."""

from __future__ import annotations

from workers.processors.validation import Validation


def get_engine() -> Validation:
    """Return the engine of `openai.validation`."""
    return Validation("OPENAI")
