"""Posts one letter to one incoming webhook. The URL is the secret: it is shown nowhere, and followed nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver
from yarl import URL

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.notice import Letter, one_line
from workers.ports import Clock, Way

HOST = "hooks.slack.com"
SECONDS = 15.0
LONGEST = 3500

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

RetryAfter = Callable[[Mapping[str, str], datetime], float | None]


class SlackNotifier:
    """Keeps `workers.ports.Notifier`.

    `resolver` gives addresses that may be dialled; `allowed` are (host, port) that may stand in for Slack's, over http
    too; `retry_after` reads how long an answer asks to wait.
    """

    def __init__(
        self,
        resolver: Callable[[], AbstractResolver],
        clock: Clock,
        retry_after: RetryAfter,
        allowed: frozenset[tuple[str, int]] = frozenset(),
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._retry_after = retry_after
        self._allowed = allowed

    async def send(self, letter: Letter, way: Way) -> None:
        """Post once; see ports.Notifier."""
        url = self._url(way)
        connector = TCPConnector(resolver=self._resolver(), use_dns_cache=False, force_close=True)
        try:
            async with (
                asyncio.timeout(SECONDS),
                ClientSession(
                    connector=connector,
                    timeout=ClientTimeout(total=None),
                    cookie_jar=DummyCookieJar(),
                    trust_env=False,
                ) as session,
                session.post(url, json=body_of(letter), allow_redirects=False) as answer,
            ):
                status, headers = answer.status, answer.headers
        except (ClientError, OSError, TimeoutError) as error:
            raise _failed(f"Slack cannot be reached ({type(error).__name__})", retryable=True) from None
        if status != HTTPStatus.OK:
            again = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
            wait = self._retry_after(headers, self._clock.now()) if again else None
            raise _failed(f"Slack answered {status}", retryable=again, retry_after=wait)

    def _url(self, way: Way) -> URL:
        try:
            url = URL(way.secret.reveal() if way.secret else "")
            named = (url.raw_host or "", url.port or 0) in self._allowed
        except ValueError:
            raise _failed("the stored webhook is not a URL", retryable=False) from None
        own = url.scheme == "https" and url.raw_host == HOST and url.port == 443  # noqa: PLR2004 - https
        if url.raw_user is not None or url.raw_password is not None or not (own or named):
            raise _failed(f"the stored webhook is not one of https://{HOST}", retryable=False)
        return url


def body_of(letter: Letter) -> Mapping[str, object]:
    """Return what is posted: text without mark-up of its own, so that it can name no channel and hide no link.

    It ends with the key, by which people see that the same message came twice.
    """
    text = f"{letter.subject}\n{letter.text}"[:LONGEST]
    text = f"{text}\n\nnotice {one_line(letter.key)}".translate(_ESCAPED)
    return {"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def _failed(what: str, *, retryable: bool, retry_after: float | None = None) -> FailedError:
    reason = Reason.PROVIDER_UNAVAILABLE if retryable else Reason.PROVIDER_REFUSED
    code = Code.UNAVAILABLE if retryable else Code.FAILED_PRECONDITION
    return FailedError(Failure(code, reason, what, retryable, retry_after))
