"""Every method of the contract, with every kind of key, named things of the caller, of another, and of nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import attrs
import pytest
import pytest_asyncio
from attrs import frozen
from datapipeline.v1 import options_pb2
from google.protobuf.descriptor import MethodDescriptor

from tests.e2e.stack.tenants import ABSENT, DOMAIN, PIPELINE, PROVIDER, SCOPED, Side, Tenants, settled
from tests.fakes.contract_calls import METHODS, Answer, Fields, by_grpc, by_rest, policy_of
from tests.plugins.sandbox import Running

pytestmark = pytest.mark.promise("P12")

NOTHING = {"provider": PROVIDER, "domain": DOMAIN, "pipeline": PIPELINE}
NO_KEYS = ("none", "short", "unknown", "wrong root", "root as org", "two", "revoked", "expired")
ONE_ID = {"x-request-id": "one-id"}

Ask = Callable[[MethodDescriptor, Fields, Mapping[str, str]], Awaitable[list[Answer]]]


@frozen
class Row:
    """How a method names a thing: the request for `of`'s thing by `by`, and the reason when it is not `by`'s."""

    fields: Callable[[Side, Side], Fields]
    reason: str = ""
    spent: bool = False


def nothing(_of: Side, _by: Side) -> Fields:
    return {}


def run(of: Side, _by: Side) -> Fields:
    return {"run_id": of.run_id}


def org(of: Side, _by: Side) -> Fields:
    return {"org": of.org}


def started(of: Side, _by: Side) -> Fields:
    return {"org": of.org, **NOTHING}


def schedule(of: Side, by: Side) -> Fields:
    return {"org": by.org, "config_id": of.config_id}


def schedule_there(of: Side, _by: Side) -> Fields:
    return {"org": of.org, "config_id": of.config_id}


def procedure(of: Side, _by: Side) -> Fields:
    return {"name": f"{of.org}_procedure"}


RUN = (Row(run, "RUN_NOT_FOUND"),)
ORG = (Row(org, "ORG_MISMATCH"),)
STARTED = (Row(started, "ORG_MISMATCH"),)
SCHEDULE = (Row(schedule, "SCHEDULE_NOT_FOUND"), Row(schedule_there, "ORG_MISMATCH"))
WHOLE = (Row(nothing),)
PROCEDURE = (Row(procedure, "PROCEDURE_NOT_FOUND"),)
ROWS: Mapping[str, tuple[Row, ...]] = {
    **dict.fromkeys(("GetRun", "WatchRun", "CancelRun", "RetryRun", "ExplainRun"), RUN),
    **dict.fromkeys(("RunPipeline", "PlanRun"), STARTED),
    **dict.fromkeys(("PauseSchedule", "ResumeSchedule"), SCHEDULE),
    **dict.fromkeys(("ListPipelines", "TriggerScheduled", "GetSchedulerStatus", "ProcessQueue"), WHOLE),
    **dict.fromkeys(("GetHealth", "GetLiveness", "GetReadiness"), WHOLE),
    **dict.fromkeys(("ListProcedures", "ListProcedureFiles"), WHOLE),
    **dict.fromkeys(("GetProcedure", "PutProcedure", "DeleteProcedure"), PROCEDURE),
    "SyncProcedures": (Row(lambda of, _by: {"procedures": [f"{of.org}_procedure"]}, "PROCEDURE_NOT_FOUND"),),
    "ListRuns": (
        Row(lambda of, _by: {"page_size": 1, "page_token": of.runs_token}, "PAGE_TOKEN_INVALID"),
        Row(lambda of, _by: {"pipeline_id": f"{of.org}-{PROVIDER}-{DOMAIN}-{PIPELINE}"}),
    ),
    "GetQueue": (Row(lambda of, _by: {"page_token": of.queue_token}, "PAGE_TOKEN_INVALID"), Row(nothing)),
    "ListSchedules": ORG,
    "PutSchedule": (
        Row(lambda of, by: {"org": by.org, "schedule": _put(by.schedule, of.config_id)}, "SCHEDULE_NOT_FOUND"),
        Row(lambda of, _by: {"org": of.org, "schedule": _put(of.schedule, "")}, "ORG_MISMATCH"),
    ),
    "DeleteSchedule": tuple(attrs.evolve(row, spent=True) for row in SCHEDULE),
    "ListOccurrences": (
        *SCHEDULE,
        Row(
            lambda of, by: {"org": by.org, "config_id": by.config_id, "page_token": of.past_token}, "PAGE_TOKEN_INVALID"
        ),
    ),
}


def _put(name: str, config_id: str) -> Fields:
    return {**NOTHING, "name": name, "type": "daily", "config_id": config_id}


@pytest_asyncio.fixture(scope="module")
async def tenants(sandbox_stack: Running) -> AsyncIterator[Tenants]:
    async with settled(sandbox_stack) as found:
        before = await found.known()
        assert sum(map(len, before.values())) > 10
        yield found
        assert await found.known() == before


@pytest.fixture(params=["rest", "grpc"])
def ask(request: pytest.FixtureRequest, tenants: Tenants) -> Ask:
    """Ask by one door, always under one request id."""

    async def asked(method: MethodDescriptor, fields: Fields, key: Mapping[str, str]) -> list[Answer]:
        if request.param == "rest":
            return await by_rest(tenants.running.rest, method, fields, {**key, **ONE_ID})
        return await by_grpc(tenants.channel, method, fields, {**key, **ONE_ID})

    return asked


each_row = pytest.mark.parametrize(
    ("method", "row"),
    [pytest.param(METHODS[name], row, id=f"{name}-{n}") for name, rows in ROWS.items() for n, row in enumerate(rows)],
)


def refusal(method: MethodDescriptor, kind: str) -> str:
    """Return why the contract refuses a kind of key; empty when it lets it in."""
    policy = policy_of(method)
    if options_pb2.CALLER_NOBODY in policy.callers:
        return ""
    if kind in NO_KEYS:
        return "KEY_INVALID"
    if (options_pb2.CALLER_ROOT if kind == "root" else options_pb2.CALLER_ORG) not in policy.callers:
        return "KEY_KIND_NOT_ALLOWED"
    return "KEY_SCOPE_NOT_ALLOWED" if SCOPED.get(kind, policy.scope) != policy.scope and kind != "root" else ""


def test_every_method_of_the_contract_has_a_row() -> None:
    assert ROWS.keys() == METHODS.keys()


@pytest.mark.parametrize("name", ROWS)
async def test_a_key_that_may_not_is_told_the_same_whatever_it_names(tenants: Tenants, ask: Ask, name: str) -> None:
    method, row = METHODS[name], ROWS[name][0]
    kinds, callers = [kind for kind in tenants.keys if refusal(method, kind)], policy_of(method).callers

    async def told(kind: str) -> None:
        own = () if kind in NO_KEYS else (tenants.walled,)
        sides = (*own, tenants.beyond, ABSENT) if options_pb2.CALLER_ORG in callers else (ABSENT,)
        first, *others = [await ask(method, row.fields(of, tenants.walled), tenants.keys[kind]) for of in sides]
        assert {answer.reason for answer in first} == {refusal(method, kind)}, kind
        assert others == [first] * len(others), kind

    await asyncio.gather(*map(told, kinds))


@each_row
async def test_what_is_anothers_answers_byte_for_byte_as_what_is_not_there(
    tenants: Tenants, ask: Ask, method: MethodDescriptor, row: Row
) -> None:
    kinds = [kind for kind in tenants.keys if kind != "root" and not refusal(method, kind)]

    async def told(kind: str) -> None:
        by, of = (tenants.beyond, tenants.walled) if kind == "other" else (tenants.walled, tenants.beyond)
        foreign, absent = [await ask(method, row.fields(side, by), tenants.keys[kind]) for side in (of, ABSENT)]
        assert foreign == absent, kind
        assert {answer.reason for answer in foreign} == {row.reason}, kind
        assert not [name for answer in foreign for name in of.names if name in answer.body], kind

    await asyncio.gather(*map(told, kinds))


@each_row
async def test_what_is_ones_own_is_there(tenants: Tenants, ask: Ask, method: MethodDescriptor, row: Row) -> None:
    for kind in ("own", *SCOPED):
        if not refusal(method, kind):
            mine = attrs.evolve(tenants.walled, config_id=await tenants.spare()) if row.spent else tenants.walled
            answers = await ask(method, row.fields(mine, mine), tenants.keys[kind])
            assert row.reason not in {answer.reason for answer in answers if row.reason}, kind
