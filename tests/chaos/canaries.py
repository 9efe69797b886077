"""Secrets looked for in everything that an arena's processes say, as they are and as they may have been written."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from attrs import define, field

LONGEST = 1024


def forms(secret: str) -> set[bytes]:
    """Return a secret as it is, in base64, for a URL and in hex."""
    raw = secret.encode()
    encoded = {base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"=")}
    return {raw, raw.hex().encode(), quote(secret, safe="").encode(), *encoded}


@define
class Canaries:
    """Looks through every log below a folder; each byte is looked at once."""

    folder: Path
    secrets: tuple[str, ...]
    _read: dict[Path, int] = field(factory=dict)

    def found(self) -> list[str]:
        """Tell where a secret stands in what was written since the last look, without saying which."""
        needles = {form for secret in self.secrets for form in forms(secret)}
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
