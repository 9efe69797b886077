"""A provider whose answers are prepared: bytes that are only sent, so that it is not what is measured.

`python -m tests.bench.prepared PORT`: below /usage an OpenAI organisation whose days have `rows` results of
completions each, and below /rows pages of `rows` rows, `pages` of them.
"""

from __future__ import annotations

import json
import sys
from functools import lru_cache

from aiohttp import web

from tests.bench.vendor import row

DAY = 86_400


@lru_cache(maxsize=4)
def results(count: int) -> bytes:
    """Return a day's results, as many, each of a key of its own."""
    return json.dumps([_result(number) for number in range(count)]).encode()


@lru_cache(maxsize=4)
def rows_of(count: int) -> bytes:
    """Return rows of any API."""
    return json.dumps([row(number) for number in range(count)]).encode()


def _result(number: int) -> dict[str, object]:
    """Return a result of completions as the specification has it, about 500 bytes."""
    tokens = 1_000_000 + number
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": tokens,
        "output_tokens": 89_012,
        "input_cached_tokens": 0,
        "input_uncached_tokens": tokens,
        "input_text_tokens": tokens,
        "input_image_tokens": 0,
        "input_audio_tokens": 0,
        "output_text_tokens": 89_012,
        "output_image_tokens": 0,
        "output_audio_tokens": 0,
        "num_model_requests": 17,
        "project_id": f"proj_{number % 97}",
        "user_id": None,
        "api_key_id": f"key_{number:08}",
        "model": "gpt-4o-2024-08-06",
        "batch": False,
        "service_tier": "default",
    }


async def usage(request: web.Request) -> web.Response:
    """Answer a page of daily buckets."""
    asked, count = request.query, int(request.match_info["rows"])
    start, end = int(asked.get("page", asked["start_time"])), int(asked["end_time"])
    until = min(end, start + DAY * int(asked["limit"]))
    found = results(count) if request.match_info["endpoint"] == "completions" else b"[]"
    buckets = b",".join(
        b'{"object": "bucket", "start_time": %d, "end_time": %d, "results": %s}' % (at, at + DAY, found)
        for at in range(start, until, DAY)
    )
    more, following = (b"true", b'"%d"' % until) if until < end else (b"false", b"null")
    body = b'{"object": "page", "data": [%s], "has_more": %s, "next_page": %s}' % (buckets, more, following)
    return web.Response(body=body, content_type="application/json")


async def pages(request: web.Request) -> web.Response:
    """Answer a page of rows."""
    number, count = int(request.query.get("after", "1")), int(request.match_info["pages"])
    following = b'"%d"' % (number + 1) if number < count else b"null"
    body = b'{"data": %s, "next": %s}' % (rows_of(int(request.match_info["rows"])), following)
    return web.Response(body=body, content_type="application/json")


def main() -> None:
    """Serve until stopped."""
    app = web.Application()
    app.router.add_get("/usage/{rows}/organization/usage/{endpoint}", usage)
    app.router.add_get("/rows/{rows}/{pages}", pages)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
