"""Opens readings: a session for each, with nothing shared between them but breakers, retry budgets and tokens."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from aiohttp import (
    ClientConnectionError,
    ClientConnectorError,
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
    TCPConnector,
)

from workers.rest.authorised import Authorised
from workers.rest.bodies import Shelf
from workers.rest.calls import Calls
from workers.rest.circuit import Circuits, CircuitTerms
from workers.rest.egress import Egress
from workers.rest.reading import RestReading
from workers.rest.resolver import CheckedResolver, Lookup, threaded_lookup
from workers.rest.sender import Sender
from workers.rest.timeouts import Timeouts
from workers.rest.tokens import Tokens
from workers.rest.tokens.exchange import Exchange
from workers.rest.wiring import Clock, Wiring

PATIENCE_SECONDS = 20.0

_CONNECTIONS = 4
_IDLE_SECONDS = 10.0
_HEADER_LINE = 16 * 1024
_HEADERS = 128


class RestReader:
    """Reads any REST API within a policy of egress. `roll` gives chance in [0, 1).

    `patience` is how many seconds one request may wait in a slot before its step is snoozed; long bodies wait on the
    `shelf`. Close it at the end.
    """

    def __init__(
        self,
        egress: Egress,
        clock: Clock,
        roll: Callable[[], float],
        *,
        timeouts: Timeouts | None = None,
        circuit: CircuitTerms | None = None,
        patience: float = PATIENCE_SECONDS,
        lookup: Lookup | None = None,
        tls: ssl.SSLContext | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self._egress = egress
        self._clock = clock
        self._roll = roll
        self._timeouts = timeouts or Timeouts()
        self._circuits = Circuits(circuit or CircuitTerms())
        self._patience = patience
        self._names = ThreadPoolExecutor(4, thread_name_prefix="rest-names")
        self._parsing = ThreadPoolExecutor(2, thread_name_prefix="rest-parse")
        self._tokens = Tokens(clock, self._parsing)
        self._lookup = lookup or threaded_lookup(self._names)
        self._tls = tls
        self._shelf = shelf or Shelf()

    @asynccontextmanager
    async def open(self, wiring: Wiring) -> AsyncIterator[RestReading]:
        """Open a reading for one step."""
        async with self._session(wiring.user_agent) as session:
            sender = Sender(session, self._clock, self._parsing, self._shelf)
            calls = Calls(sender, wiring, self._circuits, self._clock, self._roll, self._patience)
            exchange = Exchange(session, self._egress, self._clock, self._roll, self._patience)
            authorised = Authorised(calls, wiring, self._tokens, exchange, self._clock)
            yield RestReading(authorised, wiring, self._egress, self._parsing)

    def close(self) -> None:
        """Let the threads go; a name look-up that hangs is not waited for."""
        self._names.shutdown(wait=False, cancel_futures=True)
        self._parsing.shutdown(wait=False, cancel_futures=True)

    def _session(self, user_agent: str) -> ClientSession:
        connector = TCPConnector(
            resolver=CheckedResolver(self._egress, self._lookup),
            use_dns_cache=False,
            ssl=self._tls or True,
            limit=_CONNECTIONS,
            keepalive_timeout=_IDLE_SECONDS,
        )
        return ClientSession(
            connector=connector,
            timeout=ClientTimeout(total=None, connect=self._timeouts.connect, sock_read=self._timeouts.read),
            headers={"User-Agent": user_agent},
            cookie_jar=DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            max_line_size=_HEADER_LINE,
            max_field_size=_HEADER_LINE,
            max_headers=_HEADERS,
            middlewares=(_sent_once,),
        )


async def _sent_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Keep aiohttp from sending a second time on its own what was dropped: attempts are counted here."""
    try:
        return await handler(request)
    except ClientConnectorError:
        raise
    except (ClientOSError, ServerDisconnectedError):
        dropped = ClientConnectionError("dropped")
    raise dropped
