"""A value that must not be seen: opened only by the layer that sends it to the party it belongs to."""

from __future__ import annotations

from typing import Any, NoReturn, final


@final
class Secret:
    """Holds text that no repr, log, pickle or JSON encoder shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text; call it only where it is put on the wire."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return "***"

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        raise TypeError("a secret is not serialisable")


HANDED_IN = "handed-in"
"""Purpose of what is sealed by others to be stored here."""


def bound_data(org: str, provider: str, credential_id: str, purpose: str = "credential") -> bytes:
    """Additional authenticated data of a sealed credential: a row moved elsewhere does not decrypt."""
    return f"datapipeline\x1f{org}\x1f{provider}\x1f{credential_id}\x1f{purpose}".encode()
