"""Where the service tells what happened is away, tables or mail: runs go on, and each is told once when it is back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import pytest
import pytest_asyncio
from attrs import frozen

from sandbox.parts import free_port
from tests.chaos.arena import ORGS, Arena
from tests.chaos.lab import ACT
from tests.fakes.bigquery_proxy import BigQueryProxy, Fault
from tests.fakes.mail_server import MailServer
from tests.fakes.org_client import NOTHING
from tests.fakes.until import until
from tests.plugins.sandbox import CENTRAL

TOLD = 5  # the organisation that has said where mail goes
NOTIFICATIONS = """
email:
  enabled: true
  to: [ops@chaos.example]
  events: [pipeline_failure]
  cooldown_minutes: 0
  smtp: {host: localhost, port: PORT, tls: none, from_address: dp@service.example}
"""
PARCELS = "SELECT count(*) FROM outbox WHERE kind = 'run' AND run_id = ANY ($1::uuid[])"
SEALED = f"{PARCELS} AND batch IS NOT NULL"
PUT_OFF = "SELECT last_error FROM letter WHERE org = $1 AND last_error <> '' AND due_at > now()"
# A letter that is being sent is held for three minutes: made due by then, it would be sent twice.
LET_GO = """
UPDATE letter SET due_at = now() WHERE org = $1 AND last_error <> '' AND due_at < now() + interval '2 minutes'
"""
LETTERS = "SELECT count(*) FROM letter WHERE org = $1"


@frozen
class Telling:
    """The ways out of the one replica that does all the work."""

    proxy: BigQueryProxy
    mail_port: int


@pytest_asyncio.fixture(scope="module")
async def telling(whole_arena: Arena) -> AsyncIterator[Telling]:
    await whole_arena.ready()
    port = free_port()
    async with (
        BigQueryProxy(whole_arena.running.stack.environment["BIGQUERY_EMULATOR_HOST"]) as proxy,
        whole_arena.answering_only(),
    ):
        allowed = f"{whole_arena.service.environment['EGRESS_ALLOW']},localhost:{port}"
        changed = {"BIGQUERY_EMULATOR_HOST": proxy.url, "EGRESS_ALLOW": allowed, "NOTIFY_SECONDS": "0.2"}
        with notified(whole_arena, port):
            async with whole_arena.replica(ROLE="worker", **changed):
                yield Telling(proxy, port)


@contextmanager
def notified(arena: Arena, port: int) -> Iterator[None]:
    """Let one organisation say where its mail goes, for whoever reads the configuration meanwhile."""
    file = arena.folder / "tree" / "configs" / "orgs" / ORGS[TOLD] / "notifications.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(NOTIFICATIONS.replace("PORT", str(port)))
    try:
        yield
    finally:
        file.unlink()


@pytest.mark.fault("F72")
@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ({"drop": True}, "is away"),
        ({"path": r"/jobs\b", "status": 503}, "takes no job"),
        ({"path": r"/jobs\b", "drop": True, "after": True}, "does jobs and is not heard"),
    ],
    ids=["away", "busy", "not heard"],
)
async def test_runs_that_end_while_the_warehouse_is_away_are_published_once_when_it_is_back(
    arena: Arena, telling: Telling, fault: dict[str, Any], what: str
) -> None:
    before = await ended(arena, f"before it {what}", 1)
    await until(lambda: none_left(arena, before), 30)
    telling.proxy.seen.clear()
    telling.proxy.fail(Fault(times=None, **fault))
    try:
        first = await ended(arena, f"while it {what}", 4)
        await until(lambda: tried(arena, telling.proxy, first), 120)
        if fault.get("after"):
            await until(lambda: in_tables(arena, first), 60)
        later = await ended(arena, f"later while it {what}", 4)
        assert await arena.running.journal.fetchval(PARCELS, [*first, *later]) == 8
        assert fault.get("after") or not await in_tables(arena, [*first, *later])
    finally:
        telling.proxy.heal()
    at, acked = time.monotonic(), [*before, *first, *later]
    await until(lambda: none_left(arena, acked), 60)
    assert await in_tables(arena, acked) == {"org_meta_pipeline_runs": 9, "org_meta_step_logs": 9}
    toll = await arena.charge(f"the warehouse {what} while runs end", 1, at, acked)
    assert toll.harmless, toll


@pytest.mark.fault("F72")
@pytest.mark.parametrize("answers", [[], ["451 4.3.0 come back later"] * 100], ids=["away", "busy"])
async def test_what_there_is_to_tell_waits_for_a_mail_server_that_is_away_and_arrives_once_in_order(
    arena: Arena, telling: Telling, answers: list[str]
) -> None:
    org, journal, at = arena.org(TOLD), arena.running.journal, time.monotonic()
    mail, what = MailServer(port=telling.mail_port, answers=list(answers)), "busy" if answers else "away"
    async with AsyncExitStack() as listening:
        if answers:
            await listening.enter_async_context(mail)
        broken = await arena.accepted(org, ACT, f"broken, {what}", do="babble", note=what)
        assert await arena.ended(broken) == "FAILED"
        await until(lambda: journal.fetchval(PUT_OFF, org.slug), 30)
        (gate := arena.gate()).touch()
        mended = await arena.accepted(org, ACT, f"mended, {what}", do="wait", gate=str(gate), note=what)
        beside = await arena.accepted(arena.org(0), NOTHING, f"mail {what}", note=what)
        assert {await arena.ended(run_id) for run_id in (mended, beside)} == {"COMPLETED"}
        await until(lambda: planned(arena, org.slug, 2), 30)
        assert (mail.mails, len(mail.answers) < len(answers)) == ([], bool(answers))
        mail.answers.clear()
        if not answers:
            await listening.enter_async_context(mail)
        await until(lambda: delivered(arena, org.slug), 60)
        toll = await arena.charge(f"a mail server that is {what}", 1, at, [mended, beside])
    assert toll.harmless, toll
    pipeline = f"[data-pipeline] {org.slug}-lab-faults-act"
    subjects = [str(one["Subject"]) for one in mail.mails]
    assert subjects == [f"{pipeline} failed", f"{pipeline} has recovered after 1 failed run"]


async def ended(arena: Arena, note: str, count: int) -> list[str]:
    """Let runs of several organisations end."""
    run_ids = [
        await arena.accepted(arena.org(number), NOTHING, f"{note} {number}", note=f"{note} {number}")
        for number in range(count)
    ]
    assert {await arena.ended(run_id) for run_id in run_ids} == {"COMPLETED"}
    return run_ids


async def none_left(arena: Arena, run_ids: Collection[str]) -> bool:
    """Whether the outbox holds nothing of these runs any more."""
    return bool(await arena.running.journal.fetchval(PARCELS, run_ids) == 0)


async def tried(arena: Arena, proxy: BigQueryProxy, run_ids: Collection[str]) -> bool:
    """Whether some of these runs are on their way, which has failed so far."""
    return bool(await arena.running.journal.fetchval(SEALED, run_ids)) and any(
        seen.status in {0, 503} for seen in proxy.seen
    )


async def planned(arena: Arena, org: str, count: int) -> bool:
    """Whether so many letters to an organisation are still to be sent."""
    return bool(await arena.running.journal.fetchval(LETTERS, org) == count)


async def delivered(arena: Arena, org: str) -> bool:
    """Have what was put off sent now, and tell whether all is sent."""
    await arena.running.journal.execute(LET_GO, org)
    return await planned(arena, org, 0)


async def in_tables(arena: Arena, run_ids: Collection[str]) -> dict[str, int]:
    """Count the rows about these runs, by the table that has any; a run of one step is one row in each."""
    found: Counter[str] = Counter()
    for table in ("org_meta_pipeline_runs", "org_meta_step_logs"):
        listed = ", ".join(f"'{run_id}'" for run_id in run_ids)
        sql = f"SELECT pipeline_logging_id FROM {CENTRAL}.{table} WHERE pipeline_logging_id IN ({listed})"
        found[table] += len(await arena.running.query(sql))
    return dict(+found)
