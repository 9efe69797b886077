"""Reads the simulated provider as an accountant would: every row of every page, added up by what names it."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
from attrs import frozen

BY_MODEL = ("project_id", "api_key_id", "model")
# Endpoint → what it may be grouped by, and the count that is no token count.
USAGE: dict[str, tuple[tuple[str, ...], str]] = {
    "completions": ((*BY_MODEL, "batch", "service_tier"), ""),
    "embeddings": (BY_MODEL, ""),
    "moderations": (BY_MODEL, ""),
    "images": (BY_MODEL, "images"),
    "audio_speeches": (BY_MODEL, "characters"),
    "audio_transcriptions": (BY_MODEL, "seconds"),
    "vector_stores": (("project_id",), "usage_bytes"),
    "code_interpreter_sessions": (("project_id",), "num_sessions"),
    "file_search_calls": (("project_id", "api_key_id"), "num_requests"),
    "web_search_calls": (BY_MODEL, "num_requests"),
}
TOKENS = (
    "input_tokens",
    "input_cached_tokens",
    "input_uncached_tokens",
    "input_cache_write_tokens",
    "input_audio_tokens",
    "input_cached_audio_tokens",
    "output_tokens",
    "output_audio_tokens",
)
NAMES = ("usage_date", "endpoint", "model", "project_id", "api_key_id", "batch", "service_tier")
COUNTS = (*TOKENS, "requests", "quantity")

Key = tuple[Any, ...]
Sums = dict[Key, dict[str, Decimal]]


@frozen
class ProviderReader:
    """One customer of the provider at `base_url`."""

    session: aiohttp.ClientSession
    base_url: str
    key: str

    async def usage(self, first: date, last: date) -> Sums:
        """Return NAMES → COUNTS for whole UTC days; a count nobody reported is 0."""
        sums: Sums = defaultdict(lambda: dict.fromkeys(COUNTS, Decimal(0)))
        for endpoint, (group_by, counted) in USAGE.items():
            for day, result in await self.results(f"usage/{endpoint}", group_by, first, last):
                found = {"usage_date": day, "endpoint": endpoint} | {name: result.get(name) for name in NAMES[2:]}
                counts = sums[tuple(found[name] for name in NAMES)]
                for name in TOKENS:
                    counts[name] += result.get(name) or 0
                counts["requests"] += result.get("num_model_requests") or 0
                counts["quantity"] += result.get(counted) or 0
        return dict(sums)

    async def costs(self, first: date, last: date) -> dict[Key, Decimal]:
        """Return (day, line item, project) → US dollars."""
        sums: dict[Key, Decimal] = defaultdict(Decimal)
        for day, result in await self.results("costs", ("project_id", "line_item"), first, last):
            sums[day, result["line_item"], result["project_id"]] += Decimal(str(result["amount"]["value"]))
        return dict(sums)

    async def results(
        self, path: str, group_by: tuple[str, ...], first: date, last: date
    ) -> list[tuple[date, dict[str, Any]]]:
        """Return the results of all pages with their days."""
        asked = [("start_time", _midnight(first)), ("end_time", _midnight(last + timedelta(days=1)))]
        asked += [("bucket_width", "1d"), *(("group_by", name) for name in group_by)]
        found: list[tuple[date, dict[str, Any]]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self._page(path, asked + ([("page", cursor)] if cursor else []))
            for bucket in page["data"]:
                day = datetime.fromtimestamp(bucket["start_time"], UTC).date()
                found += [(day, result) for result in bucket["results"]]
            cursor = page["next_page"]
        return found

    async def _page(self, path: str, parameters: list[tuple[str, str]]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key}"}
        url = f"{self.base_url}/organization/{path}"
        async with self.session.get(url, params=parameters, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            page: dict[str, Any] = await answer.json()
            return page


def _midnight(day: date) -> str:
    return str(int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()))
