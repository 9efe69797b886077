"""A receiver of webhooks on loopback: it keeps what is posted, or answers as a test says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from aiohttp import web
from attrs import define, field


@define(eq=False)
class Webhook:
    """`answers` are (status, headers) for the next requests; after them everything is taken."""

    answers: list[tuple[int, Mapping[str, str]]] = field(factory=list)
    posted: list[Any] = field(factory=list)
    paths: list[str] = field(factory=list)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://localhost:{self.port}/services/T0/B0/s3cr3t"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def port(self) -> int:
        assert self._runner is not None
        return int(self._runner.addresses[0][1])

    async def _take(self, request: web.Request) -> web.Response:
        self.paths.append(request.path)
        if self.answers:
            status, headers = self.answers.pop(0)
            return web.Response(status=status, headers=headers, text="no")
        self.posted.append(await request.json())
        return web.Response(text="ok")
