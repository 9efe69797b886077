from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from workers.adapters.kms import LocalKms
from workers.model.failure import FailedError, Reason


async def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "made" / "kms.key"
    sealed = await LocalKms(path).encrypt(b"x", b"")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["kms.key"]
    assert await LocalKms(path).decrypt(sealed, b"") == b"x"


def test_nothing_is_made_before_first_use(tmp_path: Path) -> None:
    LocalKms(tmp_path / "kms.key")
    assert list(tmp_path.iterdir()) == []


async def test_two_who_start_together_end_with_one_key(tmp_path: Path) -> None:
    def seal() -> bytes:
        return asyncio.run(LocalKms(tmp_path / "kms.key").encrypt(b"x", b""))

    sealed = await asyncio.gather(*(asyncio.to_thread(seal) for _ in range(8)))
    assert [await LocalKms(tmp_path / "kms.key").decrypt(one, b"") for one in sealed] == [b"x"] * 8


@pytest.mark.parametrize(("mode", "content"), [(0o640, b"k" * 32), (0o604, b"k" * 32), (0o600, b"short")])
async def test_an_exposed_or_damaged_key_is_not_used(tmp_path: Path, mode: int, content: bytes) -> None:
    path = tmp_path / "kms.key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(FailedError) as raised:
        await LocalKms(path).encrypt(b"x", b"")
    assert raised.value.failure.reason is Reason.CREDENTIAL_UNAVAILABLE


async def test_a_directory_that_cannot_be_made_is_a_reason_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FailedError, match="cannot be used") as raised:
        await LocalKms(tmp_path / "file" / "kms.key").encrypt(b"x", b"")
    assert raised.value.__suppress_context__
