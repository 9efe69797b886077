"""Cloud KMS when it is away, forbids, rotates or answers with damaged values."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest

from tests.fakes.kms import KEY_NAME, FakeKms
from workers.adapters.kms import CloudKms
from workers.model.failure import FailedError, Failure, Reason


@pytest.fixture
async def kms() -> AsyncIterator[FakeKms]:
    async with FakeKms() as kms:
        yield kms


@pytest.fixture
async def cloud(kms: FakeKms) -> AsyncIterator[CloudKms]:
    channel = grpc.aio.insecure_channel(kms.address)
    async with CloudKms(KEY_NAME, channel=channel, seconds=2, tries_seconds=2) as cloud:
        yield cloud


async def failure_of(cloud: CloudKms) -> Failure:
    with pytest.raises(FailedError) as raised:
        await cloud.encrypt(b"sk-secret", b"bound")
    assert "sk-secret" not in str(raised.value)
    return raised.value.failure


@pytest.mark.fault("F57")
async def test_a_moment_of_absence_is_waited_out(kms: FakeKms, cloud: CloudKms) -> None:
    kms.refusals = [grpc.StatusCode.UNAVAILABLE]
    sealed = await cloud.encrypt(b"x", b"bound")
    assert await cloud.decrypt(sealed, b"bound") == b"x"
    assert kms.calls == 3


@pytest.mark.fault("F57")
@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, True),
        (grpc.StatusCode.INTERNAL, True),
        (grpc.StatusCode.DEADLINE_EXCEEDED, True),
        (grpc.StatusCode.PERMISSION_DENIED, False),
        (grpc.StatusCode.UNAUTHENTICATED, False),
        (grpc.StatusCode.FAILED_PRECONDITION, False),
    ],
)
async def test_a_refusal_says_whether_trying_again_can_help(
    kms: FakeKms, cloud: CloudKms, status: grpc.StatusCode, retryable: bool
) -> None:
    kms.refusals = [status]
    failure = await failure_of(cloud)
    assert (failure.reason, failure.retryable) == (Reason.CREDENTIAL_UNAVAILABLE, retryable)


@pytest.mark.fault("F57")
async def test_a_server_that_is_gone_is_unavailable_in_bounded_time(kms: FakeKms, cloud: CloudKms) -> None:
    kms.refusals = [grpc.StatusCode.UNAVAILABLE] * 100
    failure = await failure_of(cloud)
    assert (failure.reason, failure.retryable) == (Reason.CREDENTIAL_UNAVAILABLE, True)


async def test_damage_on_the_way_is_noticed_in_both_directions(kms: FakeKms, cloud: CloudKms) -> None:
    sealed = await cloud.encrypt(b"x", b"bound")
    kms.damaged = True
    assert (await failure_of(cloud)).retryable
    with pytest.raises(FailedError, match="damaged"):
        await cloud.decrypt(sealed, b"bound")
    kms.damaged, kms.deaf = False, True
    assert (await failure_of(cloud)).retryable


@pytest.mark.item("I128")
@pytest.mark.fault("F58")
async def test_values_of_an_older_version_open_after_a_rotation_until_it_is_disabled(
    kms: FakeKms, cloud: CloudKms
) -> None:
    sealed = await cloud.encrypt(b"x", b"bound")
    kms.rotate()
    assert await cloud.decrypt(sealed, b"bound") == b"x"
    kms.disabled = {1}
    assert await cloud.decrypt(await cloud.encrypt(b"y", b"bound"), b"bound") == b"y"
    with pytest.raises(FailedError, match="disabled or destroyed"):
        await cloud.decrypt(sealed, b"bound")


async def test_an_unknown_key_is_named_as_the_fault(kms: FakeKms) -> None:
    async with CloudKms(f"{KEY_NAME}2", channel=grpc.aio.insecure_channel(kms.address)) as cloud:
        assert (await failure_of(cloud)).message == "the Cloud KMS key does not exist"


async def test_a_value_beyond_the_limit_is_refused(cloud: CloudKms) -> None:
    with pytest.raises(FailedError) as raised:
        await cloud.encrypt(b"x" * (64 * 1024 + 1), b"bound")
    assert raised.value.failure.reason is Reason.CREDENTIAL_INVALID
