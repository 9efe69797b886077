"""Why a run is not further, as values."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen


@frozen
class Explanation:
    """One reason: `owner` caller, provider or service once something failed; `until` when it may change by itself."""

    reason: str
    message: str
    owner: str = ""
    until: datetime | None = None
    remedy: str = ""
