"""What a file may name as a place to send a request to: public https names, and no header that is not its own."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from workers.catalog.faults import Fault
from workers.model.resolve import Path

PORT = 443  # the only one that is dialled
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_URL_KEYS = frozenset({"url", "base_url", "token_url"})
_NAME = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}\Z")
_NOT_OURS = frozenset({
    "authorization", "proxy-authorization", "cookie", "host", "connection", "content-length", "transfer-encoding",
    "te", "upgrade", "expect", "metadata-flavor", "x-forwarded-for", "x-aws-ec2-metadata-token",
})  # fmt: skip


def check_places(value: Any, allowed: frozenset[str], path: Path = ()) -> Iterator[Fault]:
    """Yield what is wrong with URLs and `headers` anywhere in a value, and with what a `url` says that is none.

    `allowed` are `host:port` that may be reached over http and on loopback; empty in production.
    """
    match value:
        case str() if _URL.match(value):
            why = url_fault(value, allowed)
            if why:
                yield Fault(path, why)
        case Mapping():
            for key, inner in value.items():
                yield from _member_faults(key, inner, (*path, key))
                yield from check_places(inner, allowed, (*path, key))
        case list() | tuple():
            for index, inner in enumerate(value):
                yield from check_places(inner, allowed, (*path, index))
        case _:
            return


def _member_faults(key: Any, value: Any, path: Path) -> Iterator[Fault]:
    if key == "headers" and isinstance(value, Mapping):
        yield from header_faults(value, path)
    if key in _URL_KEYS and isinstance(value, str) and not _URL.match(value):
        yield Fault(path, "must be a URL whose scheme and host are written out")


def url_fault(url: str, allowed: frozenset[str]) -> str:
    """Say why a URL may not be called; empty when it may."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL"
    if "@" in parts.netloc:
        return "a URL must not carry a user or password"
    if "{" in parts.netloc or "{" in parts.scheme:
        return "the host of a URL must be written out, not substituted"
    if f"{host}:{port or {'http': 80}.get(parts.scheme, 443)}" in allowed and parts.scheme in {"http", "https"}:
        return ""
    if parts.scheme != "https":
        return f"a URL must be https, not {parts.scheme}"
    return _host_fault(host) or ("" if port is None or port == PORT else f"port {port} is not allowed")


def _host_fault(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        public = _NAME.match(host) and not host.endswith((".local", ".internal", ".localhost", ".arpa"))
        return "" if public else f"{host!r} is not a public host name"
    return "a URL must name a host, not an address"


def header_faults(headers: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """Yield what is wrong with headers that a file sets."""
    for name, value in headers.items():
        if not _HEADER.match(name):
            yield Fault((*path, name), f"{name!r} is not a header name", key=True)
        elif name.lower() in _NOT_OURS:
            yield Fault((*path, name), f"the header {name} may not be set here; credentials go in auth", key=True)
        elif not isinstance(value, str) or any(not (" " <= character <= "~") for character in value):
            yield Fault((*path, name), "a header's value must be printable ASCII text")
