"""The real ProcedureService over the real files, behind the real guards; what is written is kept in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from attrs import evolve, frozen
from datapipeline.v1.procedures_pb2 import (
    DeleteProcedureRequest,
    GetProcedureRequest,
    ListProcedureFilesRequest,
    ListProceduresRequest,
    PutProcedureRequest,
    SyncProceduresRequest,
)

from server.services.procedures import ProcedureService
from tests.fakes.clock import ManualClock
from tests.fakes.locks import Locks
from tests.fakes.recording_pipelines import RecordingPipelines
from tests.fakes.routines import KeptRoutines
from tests.plugins.service import AS_ACME, AS_ROOT, Serve, Served, refusal_of
from workers.catalog import Catalog
from workers.catalog.procedure_sync import ProcedureSync
from workers.model.routine import Routine
from workers.runtime.turns import PATIENCE_SECONDS, Turns

RUN = "sp_run_saas_subscription_costs_pipeline"
DAILY = "sp_calculate_saas_subscription_plan_costs_daily"
FOCUS = "sp_convert_saas_costs_to_focus_1_2"


@frozen
class Desk:
    """An operator's view of the service, and what is kept."""

    served: Served
    routines: KeptRoutines
    locks: Locks
    clock: ManualClock

    async def ask(self, method: str, request: Any) -> Any:
        return await getattr(self.served.procedures, method)(request, metadata=AS_ROOT)

    async def refused(self, method: str, request: Any, metadata: Any = AS_ROOT) -> tuple[str, str]:
        refusal = await refusal_of(getattr(self.served.procedures, method)(request, metadata=metadata))
        return refusal.code, refusal.reason

    async def outcomes(self, **said: Any) -> dict[str, str]:
        answer = await self.ask("SyncProcedures", SyncProceduresRequest(**said))
        counted = [answer.created, answer.updated, answer.unchanged, answer.failed]
        kinds = [one.outcome for one in answer.outcomes]
        assert counted == [kinds.count(kind) for kind in ("created", "updated", "unchanged", "failed")]
        return {one.name: one.outcome for one in answer.outcomes}


@pytest.fixture
async def desk(serve: Serve, catalog: Catalog) -> Desk:
    routines = KeptRoutines()
    clock, locks = ManualClock(), Locks()
    journal: Any = locks
    service = ProcedureService(ProcedureSync(catalog.procedures, routines), Turns(journal, clock))
    return Desk(await serve(RecordingPipelines(), procedures=service), routines, locks, clock)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("SyncProcedures", SyncProceduresRequest()),
        ("PutProcedure", PutProcedureRequest(name=RUN)),
        ("DeleteProcedure", DeleteProcedureRequest(name=RUN)),
    ],
)
async def test_nothing_is_written_while_another_call_writes(desk: Desk, method: str, request_: Any) -> None:
    desk.locks.held.add("procedures")
    asked = asyncio.create_task(desk.refused(method, request_))
    await desk.clock.until_asleep()
    desk.clock.advance(PATIENCE_SECONDS)
    assert await asked == ("UNAVAILABLE", "SERVICE_UNAVAILABLE")
    assert not desk.routines.written


async def test_a_sync_writes_each_after_what_it_calls_and_then_nothing(desk: Desk) -> None:
    assert await desk.outcomes() == dict.fromkeys((DAILY, FOCUS, RUN), "created")
    assert desk.routines.written == [DAILY, FOCUS, RUN]
    assert await desk.outcomes() == dict.fromkeys((DAILY, FOCUS, RUN), "unchanged")
    assert await desk.outcomes(force=True, procedures=[FOCUS]) == {FOCUS: "updated"}


async def test_what_was_replaced_by_hand_is_written_again(desk: Desk) -> None:
    await desk.outcomes()
    desk.routines.kept[FOCUS] = evolve(desk.routines.kept[FOCUS], description="")
    assert await desk.outcomes(domain="saas") == {DAILY: "unchanged", FOCUS: "updated", RUN: "unchanged"}


async def test_a_failure_is_told_with_its_reason_and_stops_only_what_needs_it(desk: Desk) -> None:
    desk.routines.refusing.add(FOCUS)
    answer = await desk.ask("SyncProcedures", SyncProceduresRequest())
    told = {one.name: (one.outcome, one.reason, one.message) for one in answer.outcomes}
    assert told[DAILY] == ("created", "", "")
    assert told[FOCUS][:2] == ("failed", "WAREHOUSE_REJECTED")
    assert "invalidQuery at 7:1" in told[FOCUS][2]
    assert told[RUN] == ("failed", "WAREHOUSE_REJECTED", f"it calls {FOCUS}, which could not be written")
    assert (answer.created, answer.failed) == (1, 2)


async def test_a_chosen_procedure_brings_what_it_calls(desk: Desk) -> None:
    assert (await desk.outcomes(procedures=[RUN])).keys() == {DAILY, FOCUS, RUN}


@pytest.mark.parametrize(
    "said", [{"procedures": ["sp_none"]}, {"domain": "gcp"}, {"domain": "gcp", "procedures": [RUN]}]
)
async def test_what_has_no_file_is_refused_before_anything_is_written(desk: Desk, said: Any) -> None:
    found = await desk.refused("SyncProcedures", SyncProceduresRequest(**said))
    assert found == ("NOT_FOUND", "PROCEDURE_NOT_FOUND")
    assert desk.routines.written == []


async def test_files_say_what_they_take_and_call(desk: Desk) -> None:
    files = (await desk.ask("ListProcedureFiles", ListProcedureFilesRequest())).files
    run = {one.name: one for one in files}[RUN]
    assert (run.domain, run.path) == ("saas", f"system/procedures/saas/{RUN}.sql")
    assert list(run.calls) == [DAILY, FOCUS]
    assert [one.name for one in run.arguments][:2] == ["p_dataset", "p_org_slug"]
    assert len(run.content_sha256) == 64


async def test_one_procedure_shows_its_definition_and_whether_it_is_its_file(desk: Desk) -> None:
    put = await desk.ask("PutProcedure", PutProcedureRequest(name=FOCUS))
    got = await desk.ask("GetProcedure", GetProcedureRequest(name=FOCUS))
    assert got == put
    assert got.in_sync
    assert "CREATE OR REPLACE PROCEDURE" in got.definition
    assert got.updated_at.seconds > got.created_at.seconds > 0


async def test_a_list_shows_procedures_without_a_file_too(desk: Desk) -> None:
    await desk.ask("PutProcedure", PutProcedureRequest(name=FOCUS))
    desk.routines.kept["sp_older"] = Routine("sp_older", description="sha256=" + "0" * 64)
    found = (await desk.ask("ListProcedures", ListProceduresRequest())).procedures
    assert [(one.name, one.domain, one.in_sync, one.definition) for one in found] == [
        (FOCUS, "saas", True, ""),
        ("sp_older", "", False, ""),
    ]


async def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    not_found = ("NOT_FOUND", "PROCEDURE_NOT_FOUND")
    assert await desk.refused("GetProcedure", GetProcedureRequest(name=RUN)) == not_found
    assert await desk.refused("DeleteProcedure", DeleteProcedureRequest(name=RUN)) == not_found
    assert await desk.refused("PutProcedure", PutProcedureRequest(name="sp_none")) == not_found


@pytest.mark.parametrize("name", ["", "a-b", "a`b", "a.b", "1a", "x" * 256])
async def test_a_name_is_an_identifier(desk: Desk, name: str) -> None:
    assert (await desk.refused("PutProcedure", PutProcedureRequest(name=name)))[0] == "INVALID_ARGUMENT"


async def test_only_the_root_key_opens_this_and_writes_are_audited(desk: Desk) -> None:
    refusal = await desk.refused("SyncProcedures", SyncProceduresRequest(), AS_ACME)
    assert refusal == ("PERMISSION_DENIED", "KEY_KIND_NOT_ALLOWED")
    await desk.ask("PutProcedure", PutProcedureRequest(name=FOCUS))
    await desk.ask("DeleteProcedure", DeleteProcedureRequest(name=FOCUS))
    rows = [(row["action"], row["resource_id"], row["status"]) for row in desk.served.ledger.rows]
    assert rows[-2:] == [("UPDATE", FOCUS, "SUCCESS"), ("DELETE", FOCUS, "SUCCESS")]
