"""Proves the stored admin key by the smallest usage report."""

from __future__ import annotations

from workers.processors.validation import Validation


def get_engine() -> Validation:
    """Return the engine of `anthropic.validation`."""
    return Validation("ANTHROPIC")
