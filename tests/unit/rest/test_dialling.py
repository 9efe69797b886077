from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from attrs import evolve

from tests.fakes import hostile_provider as hostile
from tests.fakes.certificates import certificate
from tests.fakes.hostile_provider import HostileProvider
from tests.unit.rest.desk import Desk, MakeReader
from workers.model.failure import FailedError, Reason
from workers.model.page import Endpoint, Limits, Read
from workers.rest import Egress, Timeouts
from workers.rest.resolver import CheckedResolver, Lookup

GOOD = hostile.rows({"id": 1})


def found(*addresses: str) -> Lookup:
    async def lookup(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return lookup


def failing(error: OSError) -> Lookup:
    async def lookup(_host: str, _port: int) -> Sequence[str]:
        raise error

    return lookup


async def failure(desk: Desk, base_url: str) -> FailedError:
    read = Read(Endpoint("openai", base_url, limits=Limits(request_seconds=20.0)), "/rows", data_path="data")
    with pytest.raises(FailedError) as caught:
        await desk.pages(read)
    return caught.value


async def test_only_checked_addresses_are_handed_on() -> None:
    addresses = ("10.0.0.1", "1.1.1.1", "127.0.0.1", "169.254.169.254", "2606:4700::1111", "1.1.1.1", "64:ff9b::1")
    results = await CheckedResolver(Egress(), found(*addresses)).resolve("api.example.com", 443)
    assert [result["host"] for result in results] == ["1.1.1.1", "2606:4700::1111"]
    assert all(result["hostname"] == "api.example.com" and result["port"] == 443 for result in results)


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "10.1.2.3", "fd00::1"])
async def test_a_name_that_leads_inside_is_never_dialled(desk: Desk, make_reader: MakeReader, address: str) -> None:
    desk.reader = make_reader(lookup=found(address))
    error = await failure(desk, "https://api.example.com")
    assert (error.failure.reason, error.failure.retryable) == (Reason.CONFIG_INVALID, False)
    assert address not in str(error)


async def test_the_address_that_was_checked_is_the_one_that_is_dialled(desk: Desk, make_reader: MakeReader) -> None:
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    desk.reader = make_reader(lookup=rebinding)
    desk.provider.script("/rows", GOOD)
    endpoint = Endpoint("openai", f"http://localhost:{desk.provider.port}")
    assert await desk.rows(Read(endpoint, "/rows", data_path="data")) == [{"id": 1}]
    assert asked == ["localhost"]


async def test_loopback_is_dialled_by_name_when_development_allows_it(desk: Desk) -> None:
    desk.provider.script("/rows", GOOD)
    endpoint = Endpoint("openai", f"http://localhost:{desk.provider.port}")
    assert await desk.rows(Read(endpoint, "/rows", data_path="data")) == [{"id": 1}]


@pytest.mark.fault("F47")
@pytest.mark.parametrize("code", [socket.EAI_AGAIN, socket.EAI_NONAME])
async def test_a_name_that_does_not_resolve_is_a_provider_that_is_away(
    desk: Desk, make_reader: MakeReader, code: int
) -> None:
    desk.reader = make_reader(lookup=failing(socket.gaierror(code, "no")))
    error = await failure(desk, "https://api.example.com")
    assert (error.failure.reason, error.failure.retryable) == (Reason.PROVIDER_UNAVAILABLE, True)
    assert len(desk.taken) == 3


@pytest.mark.fault("F47")
async def test_a_slow_resolver_is_bounded(desk: Desk, make_reader: MakeReader) -> None:
    async def slow(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return ()

    desk.reader = make_reader(lookup=slow, timeouts=Timeouts(connect=0.05, read=0.05))
    error = await failure(desk, "https://api.example.com")
    assert (error.failure.reason, error.failure.retryable) == (Reason.PROVIDER_UNAVAILABLE, True)


async def test_a_closed_port_is_a_provider_that_is_away(desk: Desk, make_reader: MakeReader) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        desk.reader = make_reader(egress=Egress.parse(f"127.0.0.1:{port}"))
        error = await failure(desk, f"http://127.0.0.1:{port}")
    assert "cannot be reached" in str(error)
    assert error.failure.retryable


@pytest.fixture(scope="module")
def unknown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody signed but itself, with its key."""
    return certificate("localhost", tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def tls_provider(unknown: Path) -> AsyncIterator[HostileProvider]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(unknown)
    async with HostileProvider(tls=context) as provider:
        provider.script("/rows", GOOD)
        yield provider


@pytest.mark.item("H123")
async def test_a_certificate_that_is_not_valid_is_never_accepted(
    desk: Desk, make_reader: MakeReader, tls_provider: HostileProvider
) -> None:
    desk.reader = make_reader(egress=Egress.parse(f"localhost:{tls_provider.port}"))
    error = await failure(desk, f"https://localhost:{tls_provider.port}")
    assert (error.failure.reason, error.failure.retryable) == (Reason.PROVIDER_BAD_RESPONSE, False)
    assert "certificate" in str(error)
    assert tls_provider.heard == []


@pytest.mark.item("H123")
async def test_a_certificate_is_checked_against_the_name_that_was_asked(
    desk: Desk, make_reader: MakeReader, tls_provider: HostileProvider, unknown: Path
) -> None:
    trusting = ssl.create_default_context(cafile=unknown)
    allowed = Egress.parse(f"localhost:{tls_provider.port},127.0.0.1:{tls_provider.port}")
    desk.reader = make_reader(egress=allowed, tls=trusting)
    read = Read(Endpoint("openai", f"https://localhost:{tls_provider.port}"), "/rows", data_path="data")
    assert await desk.rows(read) == [{"id": 1}]
    other = evolve(read.endpoint, base_url=f"https://127.0.0.1:{tls_provider.port}")
    assert "certificate" in str(await failure(desk, other.base_url))
