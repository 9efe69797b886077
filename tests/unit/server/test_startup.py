"""Checks that need an engine: each fault is told, all at once, and no exception's text."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from server import startup
from server.startup import StartupError, clock_faults, keys_faults, offset_faults, require, spool_faults
from tests.fakes.clock import NOON, ManualClock
from workers.model.failure import Code, FailedError, Reason, refused


class Vault:
    """Seals with a real cipher; `bound` switches the binding off."""

    def __init__(self, *, bound: bool = True) -> None:
        self._cipher, self._bound = AESGCM(b"k" * 32), bound

    async def encrypt(self, plaintext: bytes, bound: bytes) -> bytes:
        return self._cipher.encrypt(b"n" * 12, plaintext, bound if self._bound else None)

    async def decrypt(self, ciphertext: bytes, bound: bytes) -> bytes:
        try:
            return self._cipher.decrypt(b"n" * 12, ciphertext, bound if self._bound else None)
        except InvalidTag:
            raise refused(Code.FAILED_PRECONDITION, Reason.CREDENTIAL_INVALID, "does not open") from None


class Locked(Vault):
    async def encrypt(self, _plaintext: bytes, _bound: bytes) -> bytes:
        raise refused(Code.UNAVAILABLE, Reason.CREDENTIAL_UNAVAILABLE, "KMS away")


async def _nothing() -> tuple[str, ...]:
    return ()


async def _fault() -> tuple[str, ...]:
    return ("fsync is off", "JOURNAL_URL: behind")


async def _explode() -> tuple[str, ...]:
    raise OSError("postgresql://svc:hunter2@db")


async def _refuse() -> tuple[str, ...]:
    raise FailedError(refused(Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, "journal away").failure)


async def _hang() -> tuple[str, ...]:
    await asyncio.Event().wait()
    return ()


async def test_sound_checks_let_the_service_start() -> None:
    await require({"a": _nothing, "b": _nothing})


async def test_all_that_is_wrong_is_told_at_once_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "CHECK_SECONDS", 0.05)
    checks = {"JOURNAL_URL": _fault, "KMS_KEY_NAME": _explode, "clock": _refuse, "slow": _hang, "fine": _nothing}
    with pytest.raises(StartupError) as caught:
        await require(checks, known=("PORT: bad",))
    assert caught.value.faults == (
        "PORT: bad",
        "JOURNAL_URL: fsync is off",
        "JOURNAL_URL: behind",
        "KMS_KEY_NAME: could not be checked (OSError)",
        "clock: journal away",
        "slow: no answer in time",
    )


@pytest.mark.parametrize(("offset", "faults"), [(0, 0), (4.9, 0), (-4.9, 0), (6, 1), (-6, 1)])
async def test_a_clock_far_from_the_databases_is_a_fault(offset: float, faults: int) -> None:
    async def database_time() -> datetime:
        return NOON + timedelta(seconds=offset)

    assert len(await offset_faults(database_time, ManualClock())) == faults


async def test_a_slow_answer_is_not_taken_for_an_offset() -> None:
    clock = ManualClock()

    async def database_time() -> datetime:
        clock.advance(8)
        return NOON + timedelta(seconds=1)

    assert not await offset_faults(database_time, clock)


@pytest.mark.item("J143")
def test_a_clock_that_was_never_set_is_a_fault() -> None:
    assert not clock_faults(NOON)
    assert clock_faults(datetime(1970, 1, 1, tzinfo=UTC))


def test_a_spool_folder_is_made_and_tried(tmp_path: Path) -> None:
    assert not spool_faults(tmp_path / "new" / "spool")
    assert not list((tmp_path / "new" / "spool").iterdir())


@pytest.mark.item("J144")
def test_a_spool_folder_that_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    # Nobody can write below /proc, root neither.
    for folder in (tmp_path / "file", tmp_path / "file" / "spool", Path("/proc"), Path("/proc/spool")):
        (fault,) = spool_faults(folder)
        assert fault.startswith(f"DATA_DIR: {folder} cannot be written (")


async def test_a_sound_key_passes_its_own_test() -> None:
    assert not await keys_faults(Vault(), b"probe")


async def test_a_key_that_is_away_or_forgets_its_binding_is_a_fault() -> None:
    assert await keys_faults(Locked(), b"probe") == ("KMS_KEY_NAME: the key cannot be used (CREDENTIAL_UNAVAILABLE)",)
    assert await keys_faults(Vault(bound=False), b"probe") == ("KMS_KEY_NAME: bound data is not checked",)
