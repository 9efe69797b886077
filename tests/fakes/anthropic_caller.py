"""A customer of the Anthropic simulator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

KEY = "sk-ant-admin-canary-7f3a"
TODAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANALYTICS = {"anthropic-beta": "analytics-usage-cost-2026-08-24"}

Page = dict[str, Any]


class Caller:
    """Asks a simulator as its customer would."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client

    async def get(self, path: str, *pairs: tuple[str, str], key: str | None = KEY, **headers: str) -> ClientResponse:
        """Ask for a listing; underscores in header names stand for dashes."""
        sent = {"anthropic-version": "2023-06-01"} | ({"x-api-key": key} if key else {})
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"/v1/organizations/{path}"
        return await self.client.get(url, params=list(pairs), headers=sent, allow_redirects=False)

    async def page(self, path: str, *pairs: tuple[str, str], **headers: str) -> Page:
        """Return a page that must be one."""
        response = await self.get(path, *pairs, **headers)
        page: Page = await response.json()
        assert response.status == 200, page
        return page

    async def pages(self, path: str, *pairs: tuple[str, str], **headers: str) -> list[Page]:
        """Return all pages of a listing."""
        found = [await self.page(path, *pairs, **headers)]
        while found[-1]["has_more"]:
            found.append(await self.page(path, *pairs, ("page", found[-1]["next_page"]), **headers))
        return found

    async def refusal(self, path: str, *pairs: tuple[str, str], **headers: str) -> tuple[int, str]:
        """Return status and type of an error body that must be whole."""
        response = await self.get(path, *pairs, **headers)
        body = await response.json()
        assert set(body) == {"type", "error", "request_id"}
        assert body["type"] == "error"
        return response.status, body["error"]["type"]


Start = Callable[..., Awaitable[Caller]]
