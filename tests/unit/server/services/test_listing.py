"""ListPipelines: what is declared, and how it stands for the organisation that asks."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from datapipeline.v1 import pipelines_pb2 as pb
from datapipeline.v1.scheduler_pb2 import PutScheduleRequest, Schedule

from tests.plugins.service import AS_ACME, AS_GLOBEX, refusal_of
from tests.unit.server.services.conftest import Desk

pytestmark = pytest.mark.engine


async def test_pipelines_are_listed_as_the_organisation_names_them(desk: Desk) -> None:
    answer = await desk.served.pipelines.ListPipelines(pb.ListPipelinesRequest(), metadata=AS_GLOBEX)
    found = {pipeline.pipeline_id: pipeline for pipeline in answer.pipelines}
    cost = found["globex-openai-cost-usage_cost"]
    assert (cost.provider, cost.domain, cost.pipeline) == ("openai", "cost", "usage_cost")
    assert cost.steps[0] == "load_prices"
    assert list(cost.integration_required) == ["OPENAI"]
    assert (cost.runnable, list(cost.obstacles)) == (True, [])


async def test_a_listed_pipeline_says_why_this_organisation_cannot_run_it_as_a_run_would(desk: Desk) -> None:
    desk.book.orgs["globex"] = attrs.evolve(desk.book.orgs["globex"], status="SUSPENDED", integrations=())
    cost = await _listed(desk, AS_GLOBEX)
    said = [(one.reason, one.provider) for one in cost.obstacles]
    assert (cost.runnable, said) == (False, [("SUBSCRIPTION_INACTIVE", ""), ("INTEGRATION_NOT_CONFIGURED", "OPENAI")])
    refusal = await refusal_of(desk.run(org="globex", metadata=AS_GLOBEX))
    assert (refusal.reason, refusal.text) == (cost.obstacles[0].reason, cost.obstacles[0].message)
    assert (await _listed(desk, AS_ACME)).runnable


async def test_a_listed_pipeline_has_the_schedules_of_this_organisation_only(desk: Desk) -> None:
    wanted = Schedule(provider="openai", domain="cost", pipeline="usage_cost", schedule_cron="30 2 * * *")
    put = await desk.served.scheduler.PutSchedule(PutScheduleRequest(org="acme", schedule=wanted), metadata=AS_ACME)
    (shown,) = (await _listed(desk, AS_ACME)).schedules
    assert (shown.config_id, shown.cron, shown.timezone, shown.is_active) == (put.config_id, "30 2 * * *", "UTC", True)
    assert shown.next_run_time == put.next_run_time
    assert not (await _listed(desk, AS_GLOBEX)).schedules


async def _listed(desk: Desk, metadata: Any) -> pb.Pipeline:
    answer = await desk.served.pipelines.ListPipelines(pb.ListPipelinesRequest(), metadata=metadata)
    listed: list[pb.Pipeline] = list(answer.pipelines)
    return next(one for one in listed if one.pipeline_id.endswith("-openai-cost-usage_cost"))
