"""Which IP addresses may be dialled: public ones, by a table of our own (`ipaddress.is_global` is not enough)."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


class Standing(Enum):
    """What an address is to us."""

    PUBLIC = "public"
    LOOPBACK = "loopback"
    SPECIAL = "special"


# IANA's special-purpose registries, wider where a whole block serves no public provider.
_SPECIAL_V4 = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's wire server stands on a public-looking address
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Everything outside 2000::/3 is special (loopback, ULA, link-local, multicast, NAT64 64:ff9b::/96 and
# 64:ff9b:1::/48, IPv4-compatible, discard-only, SRv6 and what is not allotted yet); inside it, these are.
_GLOBAL_V6 = ip_network("2000::/3")
_SPECIAL_V6 = tuple(
    ip_network(block)
    for block in (
        "2001::/23",  # Teredo, ORCHID, benchmarking, protocol anycast
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)


def standing(text: str) -> Standing:
    """Judge an address as a resolver wrote it: a v4-mapped one by what is inside, an unreadable one as special."""
    try:
        address = ip_address(text)
    except ValueError:
        return Standing.SPECIAL
    if isinstance(address, IPv4Address):
        return _standing_v4(address)
    if address.scope_id is not None:
        return Standing.SPECIAL
    return _standing_v4(address.ipv4_mapped) if address.ipv4_mapped else _standing_v6(address)


def _standing_v4(address: IPv4Address) -> Standing:
    if address.is_loopback:
        return Standing.LOOPBACK
    return Standing.SPECIAL if any(address in block for block in _SPECIAL_V4) else Standing.PUBLIC


def _standing_v6(address: IPv6Address) -> Standing:
    if address.is_loopback:
        return Standing.LOOPBACK
    if address not in _GLOBAL_V6 or any(address in block for block in _SPECIAL_V6):
        return Standing.SPECIAL
    return Standing.PUBLIC
