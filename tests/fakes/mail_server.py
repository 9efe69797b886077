"""A real mail server on loopback, by aiosmtpd: it takes mail, or answers as a test says."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as RULES
from typing import Any, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from attrs import define, field


class Spoken(SMTP):
    """One connection, which says when it is gone."""

    def __init__(self, gone: asyncio.Future[None], handler: Any, **options: Any) -> None:
        super().__init__(handler, **options)
        self.gone = gone

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if not self.gone.done():
            self.gone.set_result(None)


@define(eq=False)
class MailServer:
    """Listens on `port`.

    `tls` with `implicit` is spoken from the first byte, else offered by STARTTLS; `password` is asked of user reports.
    `answers` are given to the next DATA commands instead of taking mail; recipients in `refused` get their answer. One
    that is `mute` says nothing to QUIT.
    """

    tls: ssl.SSLContext | None = None
    implicit: bool = False
    password: str = ""
    answers: list[str] = field(factory=list)
    refused: dict[str, str] = field(factory=dict)
    mute: bool = False
    mails: list[EmailMessage] = field(factory=list)
    recipients: list[list[str]] = field(factory=list)
    secured: list[bool] = field(factory=list)
    port: int = 0
    _server: asyncio.Server | None = None
    _gone: list[asyncio.Future[None]] = field(factory=list)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        context = self.tls if self.implicit else None
        self._server = await loop.create_server(self._protocol, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        async with asyncio.timeout(10):
            for gone in self._gone:
                await gone

    def _protocol(self) -> SMTP:
        offered = None if self.implicit else self.tls
        options: dict[str, Any] = {}
        if self.password:
            options = {"authenticator": self._judge, "auth_required": True, "auth_require_tls": offered is not None}
        gone = asyncio.get_running_loop().create_future()
        self._gone.append(gone)
        options |= {"tls_context": offered, "require_starttls": offered is not None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it does not know of TLS that was there before it
            return Spoken(gone, self, hostname="localhost", **options)

    def _judge(self, _server: Any, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        said = cast("LoginPassword", data)
        return AuthResult(success=said == LoginPassword(b"reports", self.password.encode()), handled=False)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        if self.answers:
            return self.answers.pop(0)
        content = cast("bytes", envelope.content)
        self.mails.append(message_from_bytes(content, EmailMessage, policy=RULES))
        self.recipients.append(envelope.rcpt_tos)
        self.secured.append(bool(session.ssl) or server.transport.get_extra_info("ssl_object") is not None)
        return "250 OK"

    async def handle_QUIT(self, server: Any, _session: Session, _envelope: Envelope) -> str:  # noqa: N802 - likewise
        if self.mute:
            await asyncio.shield(cast("Spoken", server).gone)
        return "221 Bye"
