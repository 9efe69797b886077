"""How far a step of a pipeline has read, kept beyond its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen


@frozen
class Bookmark:
    """`value` is the step's own, JSON-ready. A new one replaces only the `version` that it was made from: 0 is none.

    So of two runs at once the one that ends first moves it, and what the other has read beyond is read again.
    """

    value: Mapping[str, Any] = field(factory=dict)
    version: int = 0
