"""Syncs the stored procedures through the service, as an operator would after a deployment."""

from __future__ import annotations

import aiohttp

SYNC = "/api/v1/procedures/sync"


class NotSyncedError(RuntimeError):
    """Procedures could not be written; the text says which and why."""


async def sync_procedures(rest: str, root_key: str) -> None:
    """Write what has changed; raises NotSyncedError."""
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.post(f"{rest}{SYNC}", headers={"X-CA-Root-Key": root_key}, json={}) as answer,
    ):
        said = await answer.json()
    failed = [f"{one['name']}: {one['message']}" for one in said.get("outcomes", ()) if one["outcome"] == "failed"]
    if answer.status != 200 or failed:  # noqa: PLR2004 - OK
        raise NotSyncedError(f"procedures were not synced: {'; '.join(failed) or said.get('message', answer.status)}")
