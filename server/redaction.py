"""Takes secrets out of what is about to be logged: by the name of a field, by known values, and by how keys look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping
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
_LOOKS = re.compile(
    r"(?P<keep>(?:[?&;](?:api[_-]?key|key|access_token|token|sig|signature)=)|(?:\w+://[^\s:/@]*:)"
    r"|(?:\b(?:Bearer|Basic)\s+)|(?:\bx-(?:api|ca-root)-key['\"]?\s*[:=]\s*['\"]?))?"
    r"(?P<hide>(?(keep)[^\s&;@'\"]+"
    r"|-----BEGIN[A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END[A-Z ]*PRIVATE KEY-----|$)"
    r"|\bsk-[A-Za-z0-9_-]{6,}|\bAIza[A-Za-z0-9_-]{20,}|\bya29\.[A-Za-z0-9._-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]+"
    r"|\b[a-z0-9_]{3,50}_api_[A-Za-z0-9_-]{8,}))",
    re.IGNORECASE,
)


class Redactor:
    """A structlog processor; `known` are secrets that must not appear whatever the field is called."""

    def __init__(self, known: Iterable[Secret | None] = ()) -> None:
        texts = {secret.reveal() for secret in known if secret is not None}
        longest_first = sorted((text for text in texts if len(text) >= SHORTEST_KNOWN), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Return the event without secrets."""
        return {name: self._field(name, value, DEEPEST) for name, value in event.items()}

    def text(self, text: str) -> str:
        """Return a text without what is known or looks like a secret."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        return _LOOKS.sub(lambda found: (found["keep"] or "") + HIDDEN, text)

    def _field(self, name: str, value: Any, depth: int) -> Any:
        return HIDDEN if value is not None and _NAMES.search(name) else self._value(value, depth)

    def _value(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth == 0:
            return "…"
        if isinstance(value, Mapping):
            return {str(name): self._field(str(name), item, depth - 1) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(item, depth - 1) for item in value]
        return self.text(value if isinstance(value, str) else str(value))
