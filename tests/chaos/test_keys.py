"""Cloud KMS that is away, slow, denies, or has a version switched off, dialled as the service dials Google's.

One replica works with a KMS that speaks TLS in Google's name behind a proxy; what it needs to open was sealed there.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest
from attrs import frozen

from sandbox.google.account import new_key_file
from tests.chaos.arena import Arena
from tests.fakes.certificates import certificate
from tests.fakes.connect_proxy import ConnectProxy
from tests.fakes.kms import KEY_NAME, FakeKms
from tests.fakes.org_client import EXTRACT, NOTHING, OrgClient
from tests.plugins.sandbox import CENTRAL
from workers.adapters.kms import CloudKms
from workers.model.secret import bound_data

HOST = "cloudkms.googleapis.com"
OF = f"{CENTRAL}.org_integration_credentials WHERE org_slug = @org AND provider = 'OPENAI' AND is_active"
SEAL = f"UPDATE {OF.replace(' WHERE', ' SET encrypted_credential = FROM_BASE64(@sealed) WHERE')}"
GIVEN_UP = 40  # what a try of KMS and its repetitions may take


@frozen
class Safe:
    """Where credentials are sealed by a KMS far away."""

    arena: Arena
    kms: FakeKms
    proxy: ConnectProxy
    folder: Path

    async def seal(self, org: OrgClient) -> str:
        """Seal the credential of an organisation there; return what stood in its place, in base64."""
        running = self.arena.running
        (row,) = await running.query(f"SELECT credential_id, encrypted_credential FROM {OF}", org=org.slug)
        channel = grpc.aio.secure_channel(
            self.kms.address,
            grpc.ssl_channel_credentials((self.folder / f"{HOST}.pem").read_bytes()),
            (("grpc.ssl_target_name_override", HOST),),
        )
        async with CloudKms(KEY_NAME, channel=channel) as cloud:
            key = running.stack.secrets.openai_key.encode()
            sealed = await cloud.encrypt(key, bound_data(org.slug, "OPENAI", row["credential_id"]))
        await self.put(org, base64.b64encode(sealed).decode())
        return base64.b64encode(row["encrypted_credential"]).decode()

    async def put(self, org: OrgClient, sealed: str) -> None:
        """Store a sealed credential."""
        await self.arena.running.query(SEAL, org=org.slug, sealed=sealed)

    def environment(self) -> dict[str, str]:
        """Return what a replica has to be told."""
        account = self.folder / "account.json"
        account.write_text(new_key_file())
        return {
            "KMS_KEY_NAME": KEY_NAME,
            "GOOGLE_APPLICATION_CREDENTIALS": str(account),
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(self.folder / f"{HOST}.pem"),
            "grpc_proxy": self.proxy.url,
        }


@asynccontextmanager
async def far(arena: Arena, folder: Path, *orgs: OrgClient) -> AsyncIterator[Safe]:
    """Let one replica do all the work, by that KMS; each organisation's credential has a key version of its own."""
    async with FakeKms(certificate(HOST, folder).read_bytes()) as kms, ConnectProxy(kms.address).serve() as proxy:
        safe, before = Safe(arena, kms, proxy, folder), {}
        try:
            for org in orgs:
                before[org] = await safe.seal(org)
                kms.rotate()
            async with arena.answering_only(), arena.replica(ROLE="worker", **safe.environment()):
                yield safe
        finally:
            kms.answering.set()
            for org, sealed in before.items():
                await safe.put(org, sealed)
            await arena.running.directory_seen()
    assert set(proxy.asked) == {f"{HOST}:443"}


@pytest.mark.fault("F57")
async def test_a_run_waits_out_a_kms_that_is_away_or_hangs_and_nobody_waits_with_it(
    arena: Arena, tmp_path: Path
) -> None:
    org, other = arena.org(5), arena.org(6)
    async with far(arena, tmp_path, org) as safe:
        at, day = time.monotonic(), arena.next_day()
        safe.kms.refusals = [grpc.StatusCode.UNAVAILABLE] * 3
        safe.kms.answering.clear()
        acked = [await arena.accepted(org, EXTRACT, "sealed far away", date=day)]
        async with asyncio.timeout(30):
            await safe.kms.asked.wait()
        acked.append(await arena.accepted(other, NOTHING, "without a key", note="without a key"))
        assert await arena.ended(acked[-1]) == "COMPLETED"
        assert await arena.status(acked[0]) == "RUNNING"
        safe.kms.answering.set()
        toll = await arena.charge("KMS hangs, then is away, then serves", 4, at, acked)
        assert not safe.kms.refusals
    assert toll.harmless, toll
    await arena.as_the_source(org, day)


@pytest.mark.fault("F57")
async def test_a_kms_that_denies_fails_the_run_that_needs_it_and_no_other(arena: Arena, tmp_path: Path) -> None:
    org, other = arena.org(5), arena.org(6)
    async with far(arena, tmp_path, org) as safe:
        at, day = time.monotonic(), arena.next_day()
        safe.kms.refusals = [grpc.StatusCode.PERMISSION_DENIED] * 100
        denied = await arena.accepted(org, EXTRACT, "denied", date=day)
        acked = [await arena.accepted(other, NOTHING, "beside the denied", note="beside the denied")]
        assert await unavailable(arena, org, denied)
        safe.kms.refusals.clear()
        acked.append(await arena.accepted(org, EXTRACT, "allowed again", date=day))
        toll = await arena.charge("KMS denies the use of the key", 1, at, acked)
    assert toll.harmless, toll
    await arena.as_the_source(org, day)


@pytest.mark.fault("F58")
async def test_a_disabled_version_fails_whose_credential_it_sealed_and_nobody_else(
    arena: Arena, tmp_path: Path
) -> None:
    older, newer = arena.org(5), arena.org(6)
    async with far(arena, tmp_path, older, newer) as safe:
        at, day = time.monotonic(), arena.next_day()
        safe.kms.disabled = {1}
        failing = await arena.accepted(older, EXTRACT, "by the older version", date=day)
        acked = [await arena.accepted(newer, EXTRACT, "by the newer version", date=day)]
        assert await unavailable(arena, older, failing)
        assert await arena.ended(acked[0]) == "COMPLETED"
        safe.kms.disabled = set()
        acked.append(await arena.accepted(older, EXTRACT, "enabled again", date=day))
        toll = await arena.charge("a version of the KMS key is disabled", 1, at, acked)
    assert toll.harmless, toll
    await arena.as_the_source(older, day)


async def unavailable(arena: Arena, org: OrgClient, run_id: str) -> bool:
    """Whether a run failed, and says that its credential cannot be opened and nothing else."""
    status = await arena.ended(run_id, GIVEN_UP)
    run = await arena.run(org, run_id)
    return (status, run["error"]["reason"]) == ("FAILED", "CREDENTIAL_UNAVAILABLE")
