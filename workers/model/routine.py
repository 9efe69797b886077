"""Stored procedures: as a file declares one, and as one stands in the warehouse."""

from __future__ import annotations

import re
from datetime import datetime

from attrs import field, frozen

_HASH = re.compile(r"sha256=([0-9a-f]{64})")


@frozen
class Argument:
    """One input of a procedure; its type in BigQuery's words."""

    name: str
    type: str


@frozen
class Procedure:
    """A file below configs/system/procedures; `calls` are the procedures it calls, `sha256` stands for its text."""

    name: str
    domain: str
    path: str
    text: str = field(repr=False)
    sha256: str
    arguments: tuple[Argument, ...] = ()
    calls: frozenset[str] = frozenset()

    @property
    def description(self) -> str:
        """What the warehouse keeps beside the procedure, so that it is known which text it was written from."""
        return f"Written from configs/{self.path}, sha256={self.sha256}. Do not edit; sync it instead."


@frozen
class Routine:
    """A procedure in the warehouse. A listing leaves `definition` and `arguments` out."""

    name: str
    created: datetime | None = None
    modified: datetime | None = None
    description: str = ""
    definition: str = field(default="", repr=False)
    arguments: tuple[Argument, ...] = ()

    @property
    def sha256(self) -> str:
        """Hash of the text it was written from; empty when nobody synced it, or somebody replaced it since."""
        found = _HASH.search(self.description)
        return found[1] if found else ""
