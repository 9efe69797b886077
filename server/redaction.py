"""Takes secrets out of what is about to be logged: by the name of a field, by known values, and by how keys look."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any

from workers.model.secret import Secret

HIDDEN = "***"
DEEPEST = 8
SHORTEST_KNOWN = 8
"""A shorter known value would hide ordinary words."""

_NAMES = re.compile(
    r"authorization|cookie|password|passwd|secret|credential|private_?key|access_?token|refresh_?token"
    r"|(^|[_-])(api[_-]?key|root[_-]?key|token)$",
    re.IGNORECASE,
)
# What stands before the secret is kept, so that a reader still sees what was sent.
_AFTER = re.compile(
    r"([?&;](?:api[_-]?key|key|access_token|token|sig|signature)=|\b(?:Bearer|Basic)\s+"
    r"|\bx-(?:api|ca-root)-key['\"]?\s*[:=,]\s*['\"]?)[^\s&;@'\",]+",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"(\w+://[^\s:/@]*:)[^\s@]+(?=@)")
_LOOKS = re.compile(
    r"-----BEGIN[A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END[A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\bsk-[A-Za-z0-9_-]{6,}|\bAIza[A-Za-z0-9_-]{20,}|\bya29\.[A-Za-z0-9._-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]+"
    r"|\b[a-z0-9_]{3,50}_api_[A-Za-z0-9_-]{8,}"
)

# One of these stands in whatever the patterns match; looking for them first saves the dear look for almost every line.
_HINTS = ("sk-", "aiza", "ya29", "eyj", "_api_", "://", "private", "earer", "asic", "-key", "&", "?", ";")


class Redactor:
    """`known` are secrets that must not appear, however they are wrapped; the rest goes by names and looks."""

    def __init__(self, known: Iterable[Secret | None] = ()) -> None:
        texts = {secret.reveal() for secret in known if secret is not None}
        texts |= {json.dumps(text)[1:-1] for text in texts}
        longest_first = sorted((text for text in texts if len(text) >= SHORTEST_KNOWN), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def fields(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Hide fields by their names: a structlog processor for before the event is rendered."""
        return {name: _field(name, value, DEEPEST) for name, value in event.items()}

    def line(self, _logger: Any, _method: str, line: str) -> str:
        """Hide what is known or looks like a secret: a structlog processor for after the event was rendered."""
        return self.text(line)

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        lowered = text.lower()
        if not any(hint in lowered for hint in _HINTS):
            return text
        text = _PASSWORD.sub(rf"\1{HIDDEN}", _AFTER.sub(rf"\1{HIDDEN}", text))
        return _LOOKS.sub(HIDDEN, text)


@lru_cache(maxsize=1024)
def _names_a_secret(name: str) -> bool:
    return _NAMES.search(name) is not None


def _field(name: str, value: Any, depth: int) -> Any:
    return HIDDEN if value is not None and _names_a_secret(name) else _within(value, depth)


def _within(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _field(str(name), item, depth - 1) for name, item in value.items()} if depth else "…"
    if isinstance(value, list | tuple | set | frozenset):
        return [_within(item, depth - 1) for item in value] if depth else "…"
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)
