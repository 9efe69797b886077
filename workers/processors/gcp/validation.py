"""Proves the stored service account by a token for it and the billing accounts that it may list."""

from __future__ import annotations

from workers.processors.validation import Validation


def get_engine() -> Validation:
    """Return the engine of `gcp.validation`."""
    return Validation("GCP_SA")
