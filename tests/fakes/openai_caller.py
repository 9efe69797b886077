"""A customer of the simulated OpenAI organization API, for tests; and the day it lives in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

KEY = "sk-admin-canary-7f3a"
TODAY = date(2026, 11, 20)
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())

Page = dict[str, Any]


def midnight(day: str) -> int:
    """Return the Unix time at which a UTC day begins."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


class Caller:
    """Asks a simulator as its customer would."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client

    async def get(self, path: str, key: str | None = KEY, **parameters: Any) -> ClientResponse:
        """Ask for a listing; redirects are not followed."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"/v1/organization/{path}"
        return await self.client.get(url, params=parameters, headers=headers, allow_redirects=False)

    async def page(self, path: str, **parameters: Any) -> Page:
        """Return a page that must be one."""
        response = await self.get(path, **parameters)
        page: Page = await response.json()
        assert response.status == 200, page
        return page

    async def pages(self, path: str, **parameters: Any) -> list[Page]:
        """Return all pages of a listing."""
        found = [await self.page(path, **parameters)]
        while found[-1]["has_more"]:
            found.append(await self.page(path, **parameters, page=found[-1]["next_page"]))
        return found

    async def rows(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of all buckets of all pages."""
        pages = await self.pages(path, **parameters)
        return [row for page in pages for bucket in page["data"] for row in bucket["results"]]

    async def refusal(self, path: str, **parameters: Any) -> tuple[int, str | None, str | None]:
        """Return status, param and code of an error body that must be whole."""
        response = await self.get(path, **parameters)
        error = (await response.json())["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return response.status, error["param"], error["code"]


Start = Callable[..., Awaitable[Caller]]
