"""A provider that nobody here wrote: it answers with the documents of the published specification, and with trouble.

Each of its days has the specification's example results. Usage of days in `troubles` gets that status for good.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from attrs import define, field

EXAMPLES = Path(__file__).parents[1] / "fixtures" / "openai" / "examples"
DAY = 86_400
MODEL = "gpt-4o-mini-2024-07-18"


@define(eq=False)
class FixtureProvider:
    """Listens on loopback; `base_url` ends in `/v1`. `troubles` maps a day (YYYY-MM-DD) to a status."""

    key: str
    troubles: Mapping[str, int] = field(factory=dict)
    base_url: str = ""
    asked: list[str] = field(factory=list)
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/v1/organization/usage/{name}", self._usage)
        application.router.add_get("/v1/organization/costs", self._costs)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _usage(self, request: web.Request) -> web.Response:
        return self._answer(request, f"usage_{request.match_info['name']}_response.json")

    async def _costs(self, request: web.Request) -> web.Response:
        return self._answer(request, "costs_response.json")

    def _answer(self, request: web.Request, document: str) -> web.Response:
        first = int(request.query["start_time"])
        day = datetime.fromtimestamp(first, UTC).date().isoformat()
        self.asked.append(f"{day} {request.path}")
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return _error(401)
        if day in self.troubles and "/usage/" in request.path:
            return _error(self.troubles[day])
        results = json.loads((EXAMPLES / document).read_text())["data"][0]["results"]
        page = {"object": "page", "data": [], "has_more": False, "next_page": None}
        last = int(request.query["end_time"])
        page["data"] = [_bucket(start, results, request) for start in range(first, last, DAY)]
        return web.json_response(page)


def _bucket(start: int, results: list[dict[str, Any]], request: web.Request) -> dict[str, Any]:
    name = request.path.rpartition("/")[2]
    model = MODEL if name == "completions" else f"example-{name}"
    grouped = {"model": model} if "model" in request.query.getall("group_by", []) else {}
    return {
        "object": "bucket",
        "start_time": start,
        "end_time": start + DAY,
        "results": [result | grouped for result in results],
    }


def _error(status: int) -> web.Response:
    known = {401: "error_401.json", 429: "error_429.json"}
    body = json.loads((EXAMPLES / known.get(status, "error_429.json")).read_text())
    headers = {"Retry-After": "1"} if status == 429 else {}
    return web.json_response(body, status=status, headers=headers)
