"""Readers of one environment variable each: text in, typed value out, ValueError says what is accepted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from workers.model.org import SLUG
from workers.model.secret import Secret

HIGHEST_PORT = 65535
_HOST_AND_PORT = re.compile(r"[A-Za-z0-9_.:\[\]-]+:\d{1,5}\Z")


def boolean(text: str) -> bool:
    """Exactly true, false, 1 or 0, in lower case and without spaces."""
    words = {"true": True, "1": True, "false": False, "0": False}
    if text not in words:
        raise ValueError("true, false, 1 or 0 (lower case)")
    return words[text]


def whole(least: int, most: int = 2**31 - 1) -> Callable[[str], int]:
    """Return a reader of whole numbers in plain digits between two bounds."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,10}", text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return read


port = whole(0, HIGHEST_PORT)


def seconds(text: str) -> float:
    """Return seconds above 0 as a plain decimal number."""
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or float(text) <= 0:
        raise ValueError("seconds above 0, for example 30 or 0.5")
    return float(text)


def one_of(*words: str) -> Callable[[str], str]:
    """Return a reader of exactly these words."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(", ".join(words[:-1]) + f" or {words[-1]} (exactly so)")
        return text

    return read


def word(text: str) -> str:
    """Return printable text without spaces."""
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("printable ASCII without spaces")
    return text


def org(text: str) -> str:
    """Return the name of an organisation."""
    if not SLUG.match(text):
        raise ValueError("an organisation: 3 to 50 lower case letters, digits and underscores")
    return text


def words(text: str) -> tuple[str, ...]:
    """Return the parts of a comma list."""
    return tuple(word(part.strip()) for part in text.split(",") if part.strip())


def url(text: str) -> str:
    """Return an http or https URL with a host and no user, query or fragment, without a slash at its end."""
    try:
        parts = urlsplit(word(text))
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1) <= HIGHEST_PORT
    except ValueError:
        usable = False
    if not usable or parts.username or parts.query or parts.fragment:
        raise ValueError("an http:// or https:// URL without user, query or fragment")
    return text.rstrip("/")


def endpoint(text: str) -> str:
    """Return a URL, or host:port, of which an http URL is made."""
    return url(f"http://{text}" if _HOST_AND_PORT.match(text) else text)


def addresses(text: str) -> tuple[str, ...]:
    """Return the host:port parts of a comma list."""
    found = words(text)
    if not all(_HOST_AND_PORT.match(part) and int(part.rpartition(":")[2]) <= HIGHEST_PORT for part in found):
        raise ValueError("a comma list of host:port")
    return found


def journal(text: str) -> Secret:
    """Return a Postgres URL, kept secret because it carries a password."""
    if not re.match(r"postgres(ql)?://[!-~]+\Z", text):
        raise ValueError("postgresql://user:password@host:port/database")
    return Secret(text)


def secret(text: str) -> Secret:
    """Return a printable secret."""
    return Secret(word(text))


def pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Return the name=action parts of a comma list."""
    found = tuple(part.partition("=") for part in words(text))
    if not all(name and action for name, _, action in found):
        raise ValueError("a comma list of name=action")
    return tuple((name, action) for name, _, action in found)


def folder(text: str) -> Path:
    """Return a path."""
    if "\0" in text:
        raise ValueError("a path")
    return Path(text)
