"""Secrets looked for in everything that an arena's processes say, as they are and as they may have been written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from attrs import define, field

from tests.fakes.canaries import forms

LONGEST = 1024


@define
class Canaries:
    """Looks through every log below a folder; each byte is looked at once."""

    folder: Path
    secrets: tuple[str, ...]
    _read: dict[Path, int] = field(factory=dict)

    def found(self) -> list[str]:
        """Tell where a secret stands in what was written since the last look, without saying which."""
        needles = {form for secret in self.secrets for form in forms(secret.encode()).values()}
        logs = [path for path in self.folder.rglob("*.log") if "postgres" not in path.parts]
        return [f"a secret stands in {log}" for log in logs if _any_of(needles, self._fresh(log))]

    def _fresh(self, log: Path) -> bytes:
        """Return what was written since the last look, with as much before it as a secret may be long."""
        with log.open("rb") as file:
            file.seek(max(0, self._read.get(log, 0) - LONGEST))
            text = file.read()
            self._read[log] = file.tell()
        return text


def _any_of(needles: Iterable[bytes], text: bytes) -> bool:
    return any(needle in text for needle in needles)
