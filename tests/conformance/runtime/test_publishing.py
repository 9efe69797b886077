"""From the journal's outbox into the platform's tables on the real emulator: every row once, whatever happens."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

from tests.fakes.clock import NOON, ManualClock
from tests.fakes.explained import pool_of
from tests.fakes.workshop import Workshop
from tests.plugins.warehouse_desk import Desk, open_desk
from workers.catalog import Catalog
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.org import Subscription
from workers.model.timetable import Schedule
from workers.ports import CentralWarehouse, StepContext, StepResult
from workers.runtime import publisher
from workers.runtime.publisher import Publisher
from workers.runtime.supervisor import Supervisor

pytestmark = pytest.mark.engine

TEXT = "steps: [{step_id: a, ps_type: lab.act}, {step_id: b, ps_type: lab.act}]"
AUDIT = {
    "audit_id": "a1",
    "org_slug": "acme",
    "action": "EXECUTE",
    "resource_type": "PIPELINE",
    "resource_id": "r1",
    "details": {"n": 1},
    "status": "SUCCESS",
    "created_at": datetime(2025, 6, 15, 12, tzinfo=UTC).isoformat(),
}


@frozen
class Office:
    """A workshop whose outbox is published into a dataset."""

    shop: Workshop
    desk: Desk
    catalog: Catalog

    def publisher(self, central: CentralWarehouse | None = None) -> Publisher:
        directory: Any = self.shop.book
        at = central or self.desk.warehouses.central()
        return Publisher(self.shop.journal, at, self.catalog.schemas, directory, self.shop.clock, lambda: 0.0)

    async def rows(self, table: str) -> list[dict[str, Any]]:
        answer = await self.desk.warehouses.central().query(f"SELECT * FROM {{central}}.{table}", {})
        return [dict(row) for row in answer.rows]

    async def left(self) -> int:
        return (await self.shop.journal.depth()).outbox


@pytest.fixture
async def office(shop: Workshop, emulator: Any, dataset: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_desk(emulator.rest, dataset, tmp_path / "spool") as desk:
        catalog = Catalog.load(Path("configs"))
        for table in (
            "org_usage_quotas",
            "org_api_keys",
            "org_pipeline_configs",
            "org_scheduled_pipeline_runs",
            "org_pipeline_execution_queue",
        ):
            await desk.warehouses.central().ensure(catalog.schemas.table(table))
        yield Office(shop, desk, catalog)


async def billed(_ctx: StepContext) -> StepResult:
    return StepResult(rows=3, output={"bytes_billed": 77, "kms_operations": 2, "text": "żółw"})


async def refuse(_ctx: StepContext) -> StepResult:
    raise FailedError(Failure(Code.PERMISSION_DENIED, Reason.PROVIDER_AUTH, "answered 401"))


async def test_ended_runs_are_published_with_their_steps_costs_and_quota(office: Office) -> None:
    office.shop.enrol("acme", subscription=Subscription("ACTIVE", "PRO", 9, 9, 5, seat_limit=10))
    done = await office.shop.do(TEXT, a=billed)
    failed = await office.shop.do(TEXT, a=refuse)
    await office.publisher().publish()
    runs = {row["pipeline_logging_id"]: row for row in await office.rows("org_meta_pipeline_runs")}
    assert runs[str(done.run_id)]["status"] == "COMPLETED"
    assert runs[str(done.run_id)]["end_time"] == done.end_time
    assert runs[str(failed.run_id)]["error_message"] == "PROVIDER_AUTH: answered 401"
    steps = await office.rows("org_meta_step_logs")
    assert sorted((row["step_name"], row["status"], row["rows_processed"]) for row in steps) == [
        ("a", "COMPLETED", 3),
        ("a", "FAILED", 0),
        ("b", "COMPLETED", 1),
        ("b", "SKIPPED", 0),
    ]
    costs = await office.rows("org_cost_tracking")
    assert sorted((row["resource_type"], row["quantity"]) for row in costs) == [
        ("BQ_QUERY", 77),
        ("KMS_OPERATION", 2),
        ("PIPELINE_RUN", 1),
        ("PIPELINE_RUN", 1),
    ]
    (quota,) = await office.rows("org_usage_quotas")
    assert (quota["pipelines_run_today"], quota["pipelines_succeeded_today"], quota["pipelines_failed_today"]) == (
        2,
        1,
        1,
    )
    assert (quota["last_pipeline_completed_at"], quota["seat_limit"]) == (done.end_time, 10)
    assert await office.left() == 0


@pytest.mark.fault("F74")
async def test_a_run_that_cannot_be_read_is_set_aside_until_it_is_mended_and_no_other_waits(office: Office) -> None:
    journal = pool_of(office.shop)
    good, bad = await office.shop.do(TEXT, a=billed), await office.shop.do(TEXT, a=refuse)
    reason = "UPDATE run SET error = jsonb_set(error, '{reason}', to_jsonb($2::text)) WHERE run_id = $1"
    await journal.execute(reason, bad.run_id, "NOBODY_KNOWS")
    for _ in range(2):
        await office.publisher().publish()
        assert await published_runs(office) == [str(good.run_id)]
        assert await office.left() == 1
    await journal.execute(reason, bad.run_id, "PROVIDER_AUTH")
    await journal.execute("UPDATE outbox SET kind = 'run' WHERE kind = 'run unread'")
    await office.publisher().publish()
    assert await published_runs(office) == sorted([str(good.run_id), str(bad.run_id)])
    assert await office.left() == 0


async def published_runs(office: Office) -> list[str]:
    return sorted(row["pipeline_logging_id"] for row in await office.rows("org_meta_pipeline_runs"))


async def test_the_last_use_of_a_key_is_published_and_never_goes_back(office: Office) -> None:
    table, central = office.catalog.schemas.table("org_api_keys"), office.desk.warehouses.central()
    fixed = {"org_api_key_hash": "h", "is_active": True, "created_at": NOON}
    keys = [{**fixed, "org_api_key_id": f"k{n}", "org_slug": org} for n, org in enumerate(("acme", "globex"))]
    await central.append(table, keys, "keys")
    others = [("acme", "k0", 0), ("globex", "k0", 9), ("acme", "none", 9)]
    for uses in ([("acme", "k0", 3)], [("acme", "k0", 4), *others], [("acme", "k0", 1), *others]):
        rows = [{"org": org, "key_id": key, "at": (NOON + timedelta(minutes=n)).isoformat()} for org, key, n in uses]
        await office.shop.journal.note_uses(rows)
        await office.publisher().publish()
    last = {row["org_api_key_id"]: row["last_used_at"] for row in await office.rows("org_api_keys")}
    assert last == {"k0": NOON + timedelta(minutes=4), "k1": None}


async def test_audit_entries_are_published_as_they_were_given(office: Office) -> None:
    await office.shop.journal.audit(AUDIT)
    await office.publisher().publish()
    (row,) = await office.rows("org_audit_logs")
    details = row["details"] if isinstance(row["details"], dict) else json.loads(row["details"])
    assert (row["audit_id"], row["action"], details) == ("a1", "EXECUTE", {"n": 1})
    assert row["created_at"] == datetime.fromisoformat(str(AUDIT["created_at"]))


async def test_a_schedule_its_occurrence_and_its_run_are_published_as_they_change(office: Office) -> None:
    shop, due = office.shop, await office.shop.journal.ping()
    await shop.declare()
    shop.enrol("acme")
    new = Schedule(uuid.uuid4(), "acme", "lab", "test", "flow", "n", "0 0 * * *", parameters={"date": "today-1"})
    await shop.journal.put_schedule(evolve(new, next_due=due))
    seen = []
    for go_on in (shop.scheduler().attend, shop.lease):
        await go_on()
        await shop.journal.note_starts()
        await office.publisher().publish()
        (row,) = await office.rows("org_scheduled_pipeline_runs")
        (queued,) = await office.rows("org_pipeline_execution_queue")
        seen.append((row["state"], queued["state"]))
    assert seen == [("QUEUED", "QUEUED"), ("RUNNING", "PROCESSING")]
    assert (queued["run_id"], queued["scheduled_time"]) == (row["pipeline_logging_id"], due)
    (config,) = await office.rows("org_pipeline_configs")
    assert (config["is_active"], config["last_run_status"]) == (True, "RUNNING")
    parameters = config["parameters"] if isinstance(config["parameters"], dict) else json.loads(config["parameters"])
    assert parameters == {"date": "today-1"}
    assert config["next_run_time"] > due
    assert await office.left() == 0


class Forgetful:
    """The platform's dataset through a connection that breaks after the rows have arrived."""

    def __init__(self, central: CentralWarehouse, after: str) -> None:
        self._central = central
        self._after = after

    async def ensure(self, table: Any) -> None:
        await self._central.ensure(table)

    async def query(self, sql: str, parameters: Any) -> Any:
        return await self._central.query(sql, parameters)

    async def read(self, sql: str, parameters: Any, make: Any) -> Any:
        return await self._central.read(sql, parameters, make)

    async def execute(self, script: str, parameters: Any) -> Any:
        return await self._central.execute(script, parameters)

    async def merge(self, table: Any, rows: Any, keys: Any, batch: str) -> None:
        await self._central.merge(table, rows, keys, batch)

    async def append(self, table: Any, rows: Any, batch: str) -> None:
        await self._central.append(table, rows, batch)
        if table.name == self._after:
            raise FailedError(Failure(Code.UNAVAILABLE, Reason.WAREHOUSE_UNAVAILABLE, "broken", retryable=True))


class Counted:
    """A journal that tells how many runs it was asked for each time."""

    def __init__(self, journal: Any) -> None:
        self._journal = journal
        self.asked: list[int] = []

    async def runs(self, run_ids: Any) -> Any:
        self.asked.append(len(run_ids))
        return await self._journal.runs(run_ids)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


@pytest.mark.fault("F72")
@pytest.mark.parametrize("after", ["org_meta_pipeline_runs", "org_meta_step_logs", "org_cost_tracking"])
async def test_a_batch_that_was_interrupted_is_published_once(office: Office, after: str) -> None:
    await office.shop.do(TEXT)
    await office.publisher(Forgetful(office.desk.warehouses.central(), after)).publish()
    assert await office.left() > 0
    await office.shop.do(TEXT)
    for _ in range(2):
        await office.publisher().publish()
    assert len(await office.rows("org_meta_pipeline_runs")) == 2
    assert len(await office.rows("org_meta_step_logs")) == 4
    assert len(await office.rows("org_cost_tracking")) == 2
    assert await office.left() == 0


async def test_a_large_batch_becomes_rows_a_few_runs_at_a_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "AT_ONCE", 2)
    ended = {str((await office.shop.do(TEXT)).run_id) for _ in range(5)}
    journal = Counted(office.shop.journal)
    await evolve(office.publisher(), journal=journal).publish()
    assert journal.asked == [2, 2, 1]
    assert {row["pipeline_logging_id"] for row in await office.rows("org_meta_pipeline_runs")} == ended
    assert len(await office.rows("org_meta_step_logs")) == 10
    assert len(await office.rows("org_cost_tracking")) == 5
    assert await office.left() == 0


async def test_what_is_wrong_with_one_kind_holds_up_no_other(office: Office) -> None:
    await office.shop.do(TEXT)
    await office.shop.journal.audit({**AUDIT, "created_at": "yesterday"})
    await office.publisher().publish()
    assert len(await office.rows("org_meta_pipeline_runs")) == 1
    assert await office.left() == 1


async def test_only_one_publisher_of_the_fleet_publishes(office: Office) -> None:
    await office.shop.do(TEXT)
    clock = office.shop.clock = ManualClock()
    async with office.shop.journal.lead("publisher") as leading:
        assert leading
        keeper = Supervisor(clock, lambda: 0.5)
        office.publisher().start(keeper)
        keeper.start()
        await clock.until_asleep()
        assert clock.next_wake == 60
        assert await office.left() > 0
        await keeper.stop()


@pytest.mark.fault("F72")
async def test_the_publisher_looks_once_a_minute_and_outlives_a_warehouse_that_is_away(office: Office) -> None:
    await office.shop.do(TEXT)
    clock = office.shop.clock = ManualClock()
    keeper = Supervisor(clock, lambda: 0.5)
    Publisher.start(office.publisher(Forgetful(office.desk.warehouses.central(), "org_meta_pipeline_runs")), keeper)
    keeper.start()
    for _ in range(8):
        await clock.until_asleep()
        assert clock.next_wake == 60
        clock.advance(60)
    assert keeper.down == frozenset()
    assert len(await office.rows("org_meta_pipeline_runs")) == 1
    await keeper.stop()
