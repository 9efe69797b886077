"""Names to addresses that were checked: the connector dials what this hands on and nothing else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor

from aiohttp.abc import AbstractResolver, ResolveResult

from workers.rest.egress import Egress

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]


class ForbiddenAddressError(OSError):
    """A name has no address that may be dialled."""


def threaded_lookup(threads: Executor) -> Lookup:
    """Look names up by the system's resolver, in threads that nothing else waits for."""

    def find(host: str, port: int) -> list[str]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [str(entry[4][0]) for entry in found]

    async def lookup(host: str, port: int) -> Sequence[str]:
        return await asyncio.get_running_loop().run_in_executor(threads, find, host, port)

    return lookup


class CheckedResolver(AbstractResolver):
    """Hands on the addresses that the policy admits, in the order they were found."""

    def __init__(self, egress: Egress, lookup: Lookup) -> None:
        self._egress = egress
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return checked addresses; raises ForbiddenAddressError when none is left, OSError when there is none."""
        addresses = await self._lookup(host, port)
        admitted = [address for address in dict.fromkeys(addresses) if self._egress.admits(host, port, address)]
        if not admitted:
            raise ForbiddenAddressError("the name has no address that may be dialled")
        return [_result(host, port, address) for address in admitted if family in (socket.AF_UNSPEC, _family(address))]

    async def close(self) -> None:
        """Nothing is held: the threads belong to the reader."""


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _result(host: str, port: int, address: str) -> ResolveResult:
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=_family(address), proto=0, flags=flags)
