"""An API of many rows to extract, and the tree of configs that declares how."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

import server

ROOT = Path(server.__file__).parents[1]
PAGE_ROWS = 1000
PIPELINE = """\
steps:
  - step_id: extract_rows
    ps_type: generic.api_extractor
    timeout_minutes: 30
    retry: {{max_attempts: 1}}
    config:
      url: {url}/{form}
      format: {form}
      {paging}
      rate_limit: {{requests_per_second: 1000, burst: 10000}}
      max_page_mb: 1024
      timeout_seconds: 600
      destination: {{table: vendor_{form}_raw, write_mode: append}}
"""
PAGING = {
    "json": "data_path: data\n      pagination: {type: cursor, param: after, response_path: next}",
    "ndjson": "pagination: {type: none}",
}


def row(number: int) -> dict[str, object]:
    """One row of an API, about 400 bytes."""
    return {
        "id": f"evt_{number:012}",
        "account": {"id": f"acc_{number % 997}", "plan": "team"},
        "kind": "usage.recorded",
        "amount": number * 0.125,
        "currency": "usd",
        "quantity": number % 4096,
        "created_at": "2026-11-01T10:00:00Z",
        "active": number % 3 == 0,
        "tags": ["a", "b", "c"],
        "region": "europe-west3",
        "note": "x" * 80,
    }


def _page(start: int, rows: int) -> bytes:
    end = min(rows, start + PAGE_ROWS)
    body = {"data": [row(number) for number in range(start, end)], "next": str(end) if end < rows else None}
    return json.dumps(body).encode()


@asynccontextmanager
async def served(rows: int) -> AsyncIterator[str]:
    """Serve so many rows as JSON pages and as lines, all prepared; hands on the base URL."""
    lines = b"".join(json.dumps(row(number)).encode() + b"\n" for number in range(rows))
    prepared = {start: _page(start, rows) for start in range(0, rows, PAGE_ROWS)}

    async def pages(request: web.Request) -> web.Response:
        body = prepared[int(request.query.get("after", "0"))]
        return web.Response(body=body, content_type="application/json")

    async def all_lines(_request: web.Request) -> web.Response:
        return web.Response(body=lines, content_type="application/x-ndjson")

    app = web.Application()
    app.add_routes([web.get("/json", pages), web.get("/ndjson", all_lines)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield site.name
    finally:
        await runner.cleanup()


def lay_out(folder: Path, url: str) -> None:
    """Make a tree of the same code with configs of its own."""
    for part in ("server", "workers"):
        (folder / part).symlink_to(ROOT / part)
    shutil.copytree(ROOT / "configs", folder / "configs")
    for form, paging in PAGING.items():
        target = folder / "configs" / "bench" / f"{form}.yml"
        target.parent.mkdir(exist_ok=True)
        target.write_text(PIPELINE.format(url=url, form=form, paging=paging))
