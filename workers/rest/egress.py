"""Where requests may go: https to public names on port 443, and beyond that only what development allows by name."""

from __future__ import annotations

from ipaddress import ip_address

from attrs import frozen
from yarl import URL

from workers.rest.addresses import Standing, standing

_HTTPS_PORT = 443
_PORTS = range(1, 65536)


@frozen
class Egress:
    """The policy. `allowed` holds (host, port) pairs that may be reached over http, and on loopback."""

    allowed: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Egress:
        """Read a comma list of host:port (an IPv6 host in brackets); raises ValueError naming a bad entry."""
        return cls(frozenset(_pair(entry.strip()) for entry in text.split(",") if entry.strip()))

    def objection(self, url: URL) -> str:
        """Say why a URL may not be asked; empty when it may. What its name resolves to is `admits`' matter."""
        host = (url.raw_host or "").lower()
        named = (host, url.port) in self.allowed
        if url.scheme not in {"http", "https"} or (url.scheme == "http" and not named):
            return "only https may be asked"
        if url.raw_user is not None or url.raw_password is not None:
            return "a URL may not carry user-info"
        if not host:
            return "a URL needs a host"
        if url.port != _HTTPS_PORT and not named:
            return "only port 443 may be asked"
        return self._address_objection(host, named=named)

    def admits(self, host: str, port: int, address: str) -> bool:
        """Say whether an address that `host` resolved to may be dialled."""
        found = standing(address)
        return found is Standing.PUBLIC or (found is Standing.LOOPBACK and (host.lower(), port) in self.allowed)

    def _address_objection(self, host: str, *, named: bool) -> str:
        # An IP literal never reaches the resolver, so it is judged here.
        if not _is_literal(host):
            return ""
        return "" if named and standing(host) is not Standing.SPECIAL else "a host must be a name, not an address"


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _pair(entry: str) -> tuple[str, int]:
    host, colon, port = entry.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not bare or not (port.isascii() and port.isdigit()) or int(port) not in _PORTS:
        message = f"not host:port: {entry!r}"
        raise ValueError(message)
    return bare.lower(), int(port)
