"""Hands one letter in at one mail server: dials a checked address, insists on TLS, authenticates, sends.

Nothing of an exchange is kept for the next one. What a server says goes no further: it may quote what it was given.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import aiosmtplib
import structlog

from workers.adapters.smtp.message import message_of
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.notice import Letter, MailServer
from workers.ports import Way

log = structlog.get_logger()

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]

_PERMANENT = range(500, 600)
_FAREWELL_SECONDS = 2.0


class SmtpNotifier:
    """Keeps `workers.ports.Notifier`. `lookup` gives the addresses of a host that may be dialled, OSError for none."""

    def __init__(self, lookup: Lookup, tls: ssl.SSLContext | None = None) -> None:
        self._lookup = lookup
        self._tls = tls

    async def send(self, letter: Letter, way: Way) -> None:
        """Send once; see ports.Notifier. A recipient that is refused is left out while others are not."""
        if way.server is None:
            raise _failed("there is no mail server", retryable=False)
        server = way.server
        try:
            async with asyncio.timeout(server.timeout_seconds) as limit:
                await self._send(letter, way, server, limit)
        except FailedError:
            raise
        except aiosmtplib.SMTPRecipientsRefused as refused:
            final = all(one.code in _PERMANENT for one in refused.recipients)
            raise _failed("the mail server refused every recipient", retryable=not final) from None
        except aiosmtplib.SMTPResponseException as answer:
            what = f"the mail server answered {answer.code}"
            raise _failed(what, retryable=answer.code not in _PERMANENT) from None
        except (aiosmtplib.SMTPException, TimeoutError, OSError) as error:
            raise _failed(f"the mail server cannot be reached ({type(error).__name__})", retryable=True) from None

    async def _send(self, letter: Letter, way: Way, server: MailServer, limit: asyncio.Timeout) -> None:
        connection = await self._dial(server)
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=None,
            sock=connection,
            timeout=server.timeout_seconds,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=self._tls,
            local_hostname=server.sender.rpartition("@")[2],
        )
        try:
            await client.connect()
            if server.username and way.secret is not None:
                await self._log_in(client, server.username, way.secret.reveal())
            message = message_of(letter, server)
            refused, _ = await client.send_message(
                message, sender=server.sender, recipients=[*dict.fromkeys((*letter.to, *letter.cc))]
            )
            if refused:
                log.warning("mail: recipients refused", count=len(refused), key=letter.key)
            limit.reschedule(None)  # the server has the mail: what becomes of the farewell sends it no second time
            await _leave(client)
        finally:
            client.close()  # and with it the connection, which is its own since `connect`

    async def _log_in(self, client: aiosmtplib.SMTP, username: str, password: str) -> None:
        try:
            await client.login(username, password)
        except aiosmtplib.SMTPAuthenticationError as answer:
            what = f"the mail server refused the password of {username} ({answer.code})"
            # A wrong password is often put right within the day that letters are kept.
            raise _failed(what, retryable=True) from None

    async def _dial(self, server: MailServer) -> socket.socket:
        loop = asyncio.get_running_loop()
        trouble: OSError = OSError("no address")
        for address in await self._lookup(server.host, server.port):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.settimeout(0)
            try:
                await loop.sock_connect(connection, (address, server.port))
            except OSError as error:
                connection.close()
                trouble = error
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise trouble


async def _leave(client: aiosmtplib.SMTP) -> None:
    with suppress(aiosmtplib.SMTPException, OSError):  # a TimeoutError is one
        async with asyncio.timeout(_FAREWELL_SECONDS):
            await client.quit()


def _failed(what: str, *, retryable: bool) -> FailedError:
    reason = Reason.PROVIDER_UNAVAILABLE if retryable else Reason.PROVIDER_REFUSED
    code = Code.UNAVAILABLE if retryable else Code.FAILED_PRECONDITION
    return FailedError(Failure(code, reason, what, retryable))
