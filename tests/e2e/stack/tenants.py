"""Two organisations with the same things each, keys of every kind, and what the journal knows of one of them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import grpc.aio
from attrs import evolve, frozen

from tests.fakes.org_client import NOTHING, RUNS, OrgClient
from tests.fakes.until import until
from tests.plugins.sandbox import CENTRAL, Running

SCHEDULER = "/api/v1/scheduler"
PROVIDER, DOMAIN, PIPELINE = NOTHING.split("/")
WALLED, BEYOND = "walled", "beyond"
SCOPED = {
    "reader": "pipelines:read",
    "writer": "pipelines:write",
    "runner": "pipelines:execute",
    "nothing": "other:read",
}
OUTBOX = "outbox"
"""What is published leaves it, whoever asks for anything."""


@frozen
class Side:
    """What requests name: things of the caller, of another organisation, or of nobody."""

    org: str
    run_id: str
    config_id: str
    schedule: str
    runs_token: str
    queue_token: str
    past_token: str

    @property
    def names(self) -> tuple[bytes, ...]:
        """What nobody else may be told."""
        return tuple(one.encode() for one in (self.org, self.run_id, self.config_id))


ABSENT = Side(
    org="no_such_org",
    run_id="01900000-0000-4000-8000-000000000000",
    config_id="01900000-0000-4000-8000-000000000001",
    schedule="absent",
    runs_token="A" * 56,
    queue_token="A" * 56,
    past_token="A" * 56,
)


@frozen
class Tenants:
    """The stage: `keys` are request headers by the kind of key."""

    running: Running
    walled: Side
    beyond: Side
    keys: Mapping[str, Mapping[str, str]]
    channel: grpc.aio.Channel

    async def spare(self) -> str:
        """Make a schedule of `walled` that may be deleted."""
        return await _schedule(self.running.org(WALLED), f"spare_{secrets.token_hex(8)}")

    async def known(self) -> dict[str, list[str]]:
        """Return all that the journal has about `beyond`."""
        tables = await self.running.journal.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        named = [f"%{name.decode()}%" for name in self.beyond.names]
        sql = "SELECT t::text AS said FROM {} t WHERE t::text LIKE ANY ($1::text[]) ORDER BY 1"
        return {
            table: [row["said"] for row in await self.running.journal.fetch(sql.format(table), named)]
            for (table,) in tables
            if table != OUTBOX
        }


@asynccontextmanager
async def settled(running: Running) -> AsyncIterator[Tenants]:
    """Set the stage; what waits of `beyond` sleeps until the end, so that nothing of it changes by itself."""
    keys = await _keys(running)
    walled, beyond = running.org(WALLED), running.org(BEYOND)
    edge = running.answers.channel(running.stack.edge.listen)
    async with edge as channel, _asleep(running, walled), _asleep(running, beyond) as live:
        mine, theirs = await asyncio.gather(_side(running, walled), _side(running, beyond))
        yield Tenants(running, mine, evolve(theirs, run_id=live), keys, channel)


async def _keys(running: Running) -> Mapping[str, Mapping[str, str]]:
    made = {kind: f"{WALLED}_{kind}_{secrets.token_urlsafe(24)}" for kind in (*SCOPED, "revoked", "expired")}
    rows = ", ".join(_row(kind, key) for kind, key in made.items())
    columns = "org_api_key_id, org_slug, org_api_key_hash, scopes, is_active, expires_at, created_at"
    await running.query(f"INSERT INTO {CENTRAL}.org_api_keys ({columns}) VALUES {rows}")
    await running.directory_seen()
    ours, theirs = running.org(WALLED).key, running.org(BEYOND).key
    root = running.stack.secrets.root_key
    return {
        "own": {"x-api-key": ours},
        "other": {"x-api-key": theirs},
        "root": {"x-ca-root-key": root},
        **{kind: {"x-api-key": key} for kind, key in made.items()},
        "none": {},
        "short": {"x-api-key": "short"},
        "unknown": {"x-api-key": f"{WALLED}_api_{'0' * 24}"},
        "wrong root": {"x-ca-root-key": ours},
        "root as org": {"x-api-key": root},
        "two": {"x-api-key": ours, "x-ca-root-key": root},
    }


def _row(kind: str, key: str) -> str:
    scopes = f"['{SCOPED[kind]}']" if kind in SCOPED else "CAST([] AS ARRAY<STRING>)"
    until_when = "TIMESTAMP '2020-01-01 00:00:00+00'" if kind == "expired" else "CAST(NULL AS TIMESTAMP)"
    digest = hashlib.sha256(key.encode()).hexdigest()
    active = kind != "revoked"
    return f"('key_{kind}', '{WALLED}', '{digest}', {scopes}, {active}, {until_when}, CURRENT_TIMESTAMP())"


async def _side(running: Running, org: OrgClient) -> Side:
    """Give an organisation two runs that ended, and a schedule with two occurrences."""
    ended = await asyncio.gather(*(org.done(NOTHING, note=f"wall {number}") for number in range(2)))
    config_id = await _schedule(org, "wall")
    for _ in range(2):
        due = "UPDATE schedule SET next_due = now(), look_at = now() WHERE schedule_id::text = $1"
        await running.journal.execute(due, config_id)
        await until(lambda: _fired(running, org, config_id))
    mine = f"{SCHEDULER}/org/{org.slug}/pipelines"
    return Side(
        org=org.slug,
        run_id=ended[0]["run_id"],
        config_id=config_id,
        schedule="wall",
        runs_token=await _token(org, RUNS),
        queue_token=await _token(org, f"{SCHEDULER}/queue"),
        past_token=await _token(org, f"{mine}/{config_id}/occurrences"),
    )


async def _schedule(org: OrgClient, name: str) -> str:
    body = {"provider": PROVIDER, "domain": DOMAIN, "pipeline": PIPELINE, "name": name, "type": "daily"}
    reply = await org.ask("POST", f"{SCHEDULER}/org/{org.slug}/pipelines", json.dumps(body))
    assert reply.status == 200, reply.json
    return str(reply.json["config_id"])


async def _fired(running: Running, org: OrgClient, config_id: str) -> bool:
    """Let the scheduler look; whether it has seen the end of the run, after which nothing of the schedule changes."""
    await org.ask("POST", f"{SCHEDULER}/trigger", "{}")
    sql = "SELECT last_run_status = 'SUCCESS' AND next_due > now() FROM schedule WHERE schedule_id::text = $1"
    return bool(await running.journal.fetchval(sql, config_id))


async def _token(org: OrgClient, path: str) -> str:
    token = (await org.ask("GET", f"{path}?page_size=1")).json["next_page_token"]
    assert token, path
    return str(token)


@asynccontextmanager
async def _asleep(running: Running, org: OrgClient) -> AsyncIterator[str]:
    """Put two runs to sleep before anybody can claim them; a lane that a stranger holds is passed by."""
    await org.done(NOTHING, note="the lane is there")
    async with running.journal.acquire() as stranger, stranger.transaction():
        await stranger.execute("SELECT 1 FROM lane WHERE org = $1 FOR UPDATE", org.slug)
        ids = [await org.accepted(NOTHING, note=f"asleep {number}") for number in range(2)]
        await stranger.execute(
            "UPDATE queue SET state = 'delayed', due_at = now() + interval '1 hour' WHERE run_id = ANY ($1::uuid[])",
            ids,
        )
        await stranger.execute("SELECT count_waiting(-2)")
    yield ids[0]
    for run_id in ids:
        await org.cancel(run_id)
