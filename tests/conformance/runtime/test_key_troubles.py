"""Cloud KMS that is slow, away, or has a version switched off: whose credential it is waits or fails, nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from attrs import define
from prometheus_client import REGISTRY

from tests.fakes.kms import KEY_NAME, FakeKms
from tests.fakes.workshop import Workshop, uninterrupted
from workers.adapters.kms import CloudKms
from workers.model.failure import Reason
from workers.model.run import Run, RunStatus
from workers.model.secret import bound_data
from workers.ports import StepContext, StepResult

pytestmark = pytest.mark.engine

ONCE = "steps: [{step_id: only, ps_type: lab.act, retry: {max_attempts: 1}}]"
IDLE = "lab/test/idle"


@define
class Safe:
    """A runtime whose keys are those of a KMS; each organisation has one credential, sealed when it was stored."""

    shop: Workshop
    kms: FakeKms
    cloud: CloudKms

    async def store(self, org: str) -> dict[str, Any]:
        sealed = await self.cloud.encrypt(b"sk-canary", bound_data(org, "OPENAI", org))
        return {
            "credential_id": org,
            "provider": "OPENAI",
            "validation_status": "VALID",
            "encrypted_credential": sealed,
        }

    async def run(self, org: str, stored: dict[str, Any]) -> Run:
        self.shop.stored = [stored]
        await self.shop.declare(ONCE)
        self.shop.parts["only"] = opening
        run_id = await self.shop.submit(org)
        await self.shop.runner().run(await self.shop.lease(), uninterrupted())
        run = await self.shop.run(run_id, org)
        assert "canary" not in str(run)
        return run


async def opening(ctx: StepContext) -> StepResult:
    return StepResult(rows=len((await ctx.secret("OPENAI")).reveal()))


@pytest.fixture
async def safe(shop: Workshop) -> AsyncIterator[Safe]:
    async with FakeKms() as kms:
        channel = grpc.aio.insecure_channel(kms.address)
        async with CloudKms(KEY_NAME, channel=channel, seconds=0.3, tries_seconds=0.5) as cloud:
            shop.keys = cloud
            yield Safe(shop, kms, cloud)
            kms.answering.set()


def counted(why: str) -> float:
    return REGISTRY.get_sample_value("key_failures_total", {"why": why}) or 0.0


@pytest.mark.fault("F58")
async def test_a_version_that_is_disabled_fails_whose_credential_it_sealed_and_nobody_else(safe: Safe) -> None:
    older = await safe.store("acme")
    safe.kms.rotate()
    newer, before = await safe.store("globex"), counted("disabled")
    safe.kms.disabled = {1}
    failed, done = await safe.run("acme", older), await safe.run("globex", newer)
    assert failed.error is not None
    assert (failed.status, failed.error.reason) == (RunStatus.FAILED, Reason.CREDENTIAL_UNAVAILABLE)
    assert "disabled or destroyed" in failed.error.message
    assert failed.step("only").attempt == 1
    assert (done.status, done.step("only").rows) == (RunStatus.COMPLETED, len("sk-canary"))
    assert counted("disabled") == before + 1


@pytest.mark.fault("F57")
@pytest.mark.parametrize(
    ("status", "why"), [(grpc.StatusCode.PERMISSION_DENIED, "denied"), (grpc.StatusCode.UNAVAILABLE, "away")]
)
async def test_without_kms_no_credential_opens_and_the_run_says_whose_fault_it_is(
    safe: Safe, status: grpc.StatusCode, why: str
) -> None:
    stored, before = await safe.store("acme"), counted(why)
    safe.kms.refusals = [status] * 100
    run = await safe.run("acme", stored)
    assert run.error is not None
    assert (run.status, run.error.reason) == (RunStatus.FAILED, Reason.CREDENTIAL_UNAVAILABLE)
    assert counted(why) > before


@pytest.mark.fault("F57")
async def test_a_kms_that_hangs_keeps_nobody_waiting_who_needs_no_key(safe: Safe) -> None:
    stored = await safe.store("acme")
    await safe.shop.declare("steps: [{step_id: idle, ps_type: lab.act}]", IDLE)
    safe.kms.answering.clear()
    async with asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(safe.run("acme", stored))
        await safe.kms.asked.wait()
        other = await safe.shop.submit("globex", IDLE)
        await safe.shop.runner().run(await safe.shop.lease("w2"), uninterrupted())
        assert (await safe.shop.run(other, "globex")).status is RunStatus.COMPLETED
    error = slow.result().error
    assert error is not None
    assert error.reason is Reason.CREDENTIAL_UNAVAILABLE
