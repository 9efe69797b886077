"""What both kinds of keys keep: sealed values open with the same key and identity, and with nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest

from tests.fakes.kms import KEY_NAME, FakeKms
from workers.adapters.kms import CloudKms, LocalKms
from workers.model.failure import FailedError, Reason
from workers.model.secret import bound_data
from workers.ports import Keys

BOUND = bound_data("acme", "OPENAI", "c1")


@pytest.fixture(params=["local", "cloud"])
async def keys(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Keys]:
    if request.param == "local":
        yield LocalKms(tmp_path / "kms.key")
        return
    async with FakeKms() as kms, CloudKms(KEY_NAME, channel=grpc.aio.insecure_channel(kms.address)) as cloud:
        yield cloud


async def refusal(keys: Keys, ciphertext: bytes, bound: bytes) -> Reason:
    with pytest.raises(FailedError) as raised:
        await keys.decrypt(ciphertext, bound)
    assert not raised.value.failure.retryable
    return raised.value.failure.reason


@pytest.mark.parametrize("plaintext", [b"", b"sk-secret", bytes(range(256)) * 200])
async def test_what_is_sealed_opens_again(keys: Keys, plaintext: bytes) -> None:
    assert await keys.decrypt(await keys.encrypt(plaintext, BOUND), BOUND) == plaintext


async def test_sealing_twice_gives_different_values_that_show_nothing(keys: Keys) -> None:
    first, second = await keys.encrypt(b"sk-secret", BOUND), await keys.encrypt(b"sk-secret", BOUND)
    assert first != second
    assert b"sk-secret" not in first + second


@pytest.mark.item("I128")
@pytest.mark.parametrize(
    "other", [("acme2", "OPENAI", "c1"), ("acme", "ANTHROPIC", "c1"), ("acme", "OPENAI", "c2"), ("", "", "")]
)
async def test_a_value_moved_to_another_identity_does_not_open(keys: Keys, other: tuple[str, str, str]) -> None:
    sealed = await keys.encrypt(b"sk-secret", BOUND)
    assert await refusal(keys, sealed, bound_data(*other)) is Reason.CREDENTIAL_INVALID


@pytest.mark.item("I128")
async def test_a_damaged_value_does_not_open(keys: Keys) -> None:
    sealed = await keys.encrypt(b"sk-secret", BOUND)
    for damaged in (b"", sealed[:5], sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), b"sk-secret", sealed + b"x"):
        assert await refusal(keys, damaged, BOUND) is Reason.CREDENTIAL_INVALID
