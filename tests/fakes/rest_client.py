"""What a test needs of a REST caller: paths that are sent as written, and answers that know the one error shape."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import aiohttp
from attrs import field, frozen
from yarl import URL

from tests.fakes.answers import Answers

RUN = "/api/v1/pipelines/run/acme/openai/cost/usage_cost"
RUN_ID = "3f2b8f8e-6f0e-4f5e-9a86-0c7b9d2b6a11"
GET_RUN = f"/api/v1/pipelines/runs/{RUN_ID}"
EVENTS = f"{GET_RUN}/events"
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


@frozen
class Reply:
    """One whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def info(self) -> dict[str, Any]:
        """The ErrorInfo; AssertionError when the answer has not the one error shape."""
        shape = self.json
        assert set(shape) == {"code", "message", "details"}, shape
        assert isinstance(shape["code"], int)
        assert shape["message"]
        assert self.headers["X-Request-Id"]
        assert self.headers["Content-Type"] == "application/json"
        info: dict[str, Any] = next(detail for detail in shape["details"] if detail["@type"] == _ERROR_INFO)
        assert info["domain"] == "datapipeline"
        return info

    @property
    def refusal(self) -> tuple[int, int, str]:
        """HTTP status, canonical code and reason."""
        return self.status, self.json["code"], self.info["reason"]


@frozen
class RestClient:
    """A caller of the edge at `base`; lines of streams are kept with the session's other answers."""

    base: str
    session: aiohttp.ClientSession
    answers: Answers = field(factory=Answers)

    @asynccontextmanager
    async def open(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: str | bytes | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send the path exactly as written and hand out the answer while it arrives."""
        data = BytesIO(body.encode() if isinstance(body, str) else body) if body is not None else None
        url = URL(self.base + path, encoded=True)
        limit = aiohttp.ClientTimeout(total=10)
        async with self.session.request(method, url, headers=headers, data=data, timeout=limit) as response:
            yield response

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: str | bytes | None = None
    ) -> Reply:
        """Send and read the whole answer."""
        async with self.open(method, path, headers, body) as response:
            return Reply(response.status, response.headers.copy(), await response.read())

    async def raw(self, request: bytes) -> bytes:
        """Send bytes that no client would send and return what comes back until the edge closes."""
        url = URL(self.base)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        answer = b""
        try:
            writer.write(request)
            async with asyncio.timeout(10):
                while block := await reader.read(65536):
                    answer += block
        except ConnectionResetError:
            pass  # an edge that refuses does not read what else was sent
        finally:
            writer.close()
        self.answers.keep(answer)
        return answer


def parsed(response: bytes) -> Reply:
    """Read a raw HTTP/1.1 answer with a content length."""
    head, _, body = response.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    return Reply(int(status.split()[1]), {name.title(): value for name, value in pairs}, body)


def assert_outward(reply: Reply) -> None:
    """Assert that an answer names no class, type or parser of the inside."""
    said = str([reply.json["message"], reply.info["metadata"]])
    assert not re.search(r"google|proto|Struct|TYPE_|googleapis|datapipeline\.|parser|recursion", said), said
