"""The part of the journal that keeps what is to be told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import attrs

from workers.adapters.journal.encode import to_json, to_text
from workers.adapters.journal.room import Room
from workers.model.notice import Channel, Letter, Posting
from workers.ports.notices import Key, News, Planned


class PostgresNotices:
    """Implements ports.Notices."""

    def __init__(self, room: Room) -> None:
        self._workers = room.workers
        self._failpoint = room.failpoint

    async def tell(self, payload: Mapping[str, Any]) -> None:
        """Keep news that is about no run."""
        await self._workers.fetch("tell", to_json(dict(payload)))

    async def news(self, limit: int) -> tuple[News, ...]:
        """Return the oldest news; see ports.Notices."""
        rows = await self._workers.fetch("news", limit)
        return tuple(News(row["parcel_id"], row["run_id"], json.loads(row["payload"])) for row in rows)

    async def told(self, keys: Sequence[Key]) -> Mapping[Key, Mapping[str, Any]]:
        """Return what was kept under keys."""
        orgs, pipelines, events = ([key[part] for key in keys] for part in range(3))
        return _kept(await self._workers.fetch("told", orgs, pipelines, events))

    async def overdue(self, limit: int) -> Mapping[Key, Mapping[str, Any]]:
        """Return pauses that are over and have held something back."""
        return _kept(await self._workers.fetch("overdue", limit))

    async def plan(self, planned: Planned) -> bool:
        """Write letters and forget the news; see ports.Notices."""
        kept = [
            {"org": org, "pipeline_id": pipeline_id, "event": event, "value": value and dict(value)}
            for (org, pipeline_id, event), value in planned.told.items()
        ]
        letters = [_letter_row(letter) for letter in planned.letters]
        written: bool = await self._workers.fetch_value(
            "plan_letters", list(planned.news), to_json(letters), to_json(kept)
        )
        return written

    async def undertake(self, most: int, each: int, seconds: float) -> tuple[Posting, ...]:
        """Take letters that are due; see ports.Notices."""
        rows = await self._workers.fetch("undertake", most, each, seconds)
        return tuple(
            Posting(row["letter_id"], _letter(json.loads(row["body"])), row["attempts"], row["created_at"])
            for row in sorted(rows, key=lambda row: row["letter_id"])
        )

    async def sent(self, posting: Posting) -> None:
        """Forget a letter."""
        self._failpoint("letter.before_forget")
        await self._workers.fetch("letter_sent", posting.letter_id, posting.attempts)

    async def put_off(self, posting: Posting, seconds: float, why: str) -> None:
        """Try a letter again later."""
        await self._workers.fetch("put_letter_off", posting.letter_id, posting.attempts, seconds, to_text(why))

    async def ping(self) -> datetime:
        """Return the database's time."""
        now: datetime = await self._workers.fetch_value("ping")
        return now


def _kept(rows: Iterable[asyncpg.Record]) -> dict[Key, Mapping[str, Any]]:
    return {(row["org"], row["pipeline_id"], row["event"]): json.loads(row["value"]) for row in rows}


def _letter_row(letter: Letter) -> Mapping[str, Any]:
    return {"key": letter.key, "org": letter.org, "lane": letter.lane, "body": attrs.asdict(letter)}


def _letter(body: Mapping[str, Any]) -> Letter:
    channel = Channel(body["channel"])
    return Letter(**{**body, "channel": channel, "to": tuple(body["to"]), "cc": tuple(body["cc"])})
