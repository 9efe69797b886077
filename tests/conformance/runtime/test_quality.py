"""What the audits of a step found stands in its output and is said to whoever watches, whether it failed or not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.workshop import Workshop
from workers.model.failure import Reason
from workers.model.quality import Audited, Finding, refused_by
from workers.model.run import EventType, RunStatus, StepStatus
from workers.ports import StepContext, StepResult

pytestmark = pytest.mark.engine

COUNTED = """
steps:
  - {step_id: count, ps_type: lab.act}
  - {step_id: only, ps_type: lab.act, dq: [{name: all, row_count: {total: count.total}}]}
"""


def auditing(shop: Workshop, severity: str, failing: int) -> Any:
    audited = Audited("t", (Finding("whole", "not_null", severity, failing),))

    async def part(_ctx: StepContext) -> StepResult:
        await shop.warehouses.expected.heard(audited)
        await shop.warehouses.expected.heard(audited)
        if severity == "critical":
            raise refused_by(audited, "acme_local")
        return StepResult(3, output={"days": 1})

    return part


async def test_a_warning_stands_in_the_output_and_is_said(shop: Workshop) -> None:
    run = await shop.do(COUNTED, count=counting(7), only=auditing(shop, "warning", 2))
    assert run.status is RunStatus.COMPLETED
    step = run.steps[1]
    assert (step.rows, step.output["days"]) == (3, 1)
    assert [(one["status"], one["failed"][0]["failing"]) for one in step.output["dq"]] == [("WARNING", 4)]
    said = [event.message for event in await shop.events(run.run_id) if event.type is EventType.LOG]
    assert said == ["t is not as expected: whole (2)"] * 2
    assert [(one.least, one.most) for one in shop.warehouses.expected.expectations] == [(Decimal(7), Decimal(7))]


async def test_a_critical_failure_keeps_what_was_found(shop: Workshop) -> None:
    run = await shop.do(COUNTED, count=counting(7), only=auditing(shop, "critical", 2))
    assert run.error is not None
    assert (run.status, run.error.reason) == (RunStatus.FAILED, Reason.DATA_QUALITY_FAILED)
    step = run.steps[1]
    assert (step.status, step.attempt, step.output["dq"][0]["status"]) == (StepStatus.FAILED, 1, "FAILED")


async def test_a_total_that_no_step_told_is_a_fault_of_the_declaration(shop: Workshop) -> None:
    run = await shop.do(COUNTED, count=counting(None), only=auditing(shop, "warning", 0))
    assert run.error is not None
    assert run.error.reason is Reason.CONFIG_INVALID
    assert "the step count has told no whole number total" in run.error.message


def counting(total: int | None) -> Any:
    async def part(_ctx: StepContext) -> StepResult:
        return StepResult(output={"total": total})

    return part
