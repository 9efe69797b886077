"""What one step may do with secrets, on stored rows held in lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.credential_shelf import CredentialShelf
from workers.model.credential import ValidationStatus, Verdict
from workers.model.failure import FailedError, Reason, provider_failed
from workers.model.run import StepRun, StepStatus
from workers.model.secret import Secret
from workers.runtime.vault import Kept, Standing, StepVault

CLOCK = ManualClock()
DECRYPTED = StepRun("decrypt", "x.y", StepStatus.COMPLETED, output={"kept_as": "loaned", "provider": "OPENAI"})


@pytest.fixture
def shelf() -> CredentialShelf:
    shelf = CredentialShelf()
    shelf.put("OPENAI", "stored", "VALID")
    return shelf


def vault(
    shelf: CredentialShelf,
    kept: Kept | None = None,
    step: str = "extract",
    *,
    attempt: int = 1,
    done: Mapping[str, StepRun] | None = None,
) -> StepVault:
    credentials: Any = shelf
    standing = Standing("acme", UUID(int=7), StepRun(step, "x.y", attempt=attempt), done or {})
    return StepVault(credentials, str.upper, kept or Kept(), standing, CLOCK)


def decrypted(status: StepStatus = StepStatus.COMPLETED) -> Mapping[str, StepRun]:
    return {"decrypt": StepRun("decrypt", "x.y", status)}


async def opened(vault: StepVault, *names: str) -> str:
    return (await vault.secret(*names)).reveal()


async def test_what_a_completed_step_kept_comes_before_what_is_stored(shelf: CredentialShelf) -> None:
    kept = Kept()
    vault(shelf, kept, "decrypt").keep("openai", Secret("handed on"))
    assert await opened(vault(shelf, kept, done=decrypted()), "OPENAI") == "handed on"


@pytest.mark.parametrize("done", [{}, decrypted(StepStatus.FAILED)])
async def test_what_a_step_kept_that_did_not_complete_is_not_handed_on(
    shelf: CredentialShelf, done: Mapping[str, StepRun]
) -> None:
    kept = Kept()
    vault(shelf, kept, "decrypt").keep("OPENAI", Secret("handed on"))
    assert await opened(vault(shelf, kept, done=done), "OPENAI") == "stored"


async def test_a_secret_key_is_looked_for_last(shelf: CredentialShelf) -> None:
    kept = Kept()
    vault(shelf, kept, "decrypt").keep("token", Secret("by key"))
    later = vault(shelf, kept, done=decrypted())
    assert await opened(later, "VENDOR", "token") == "by key"
    assert await opened(later, "OPENAI", "token") == "stored"
    assert await opened(later, "token") == "by key"


async def test_another_process_finds_what_was_kept_where_it_was_read(shelf: CredentialShelf) -> None:
    resumed = vault(shelf, done={"decrypt": DECRYPTED})
    assert await opened(resumed, "loaned") == "stored"
    assert await opened(resumed, "VENDOR", "loaned") == "stored"


@pytest.mark.parametrize("names", [("VENDOR",), ("VENDOR", "nowhere")])
async def test_what_is_nowhere_is_refused_by_its_provider(shelf: CredentialShelf, names: tuple[str, ...]) -> None:
    with pytest.raises(FailedError, match="the VENDOR credential is not there, or switched off"):
        await vault(shelf).secret(*names)
    with pytest.raises(FailedError, match="the VENDOR credential is not there"):
        await vault(shelf).stored("VENDOR")


async def test_a_step_that_stores_again_names_the_same_act(shelf: CredentialShelf) -> None:
    first = await vault(shelf).store("OPENAI", Secret("new"), name="Main")
    assert await vault(shelf, attempt=2).store("OPENAI", Secret("new"), name="Main") == first
    assert await vault(shelf, step="other").store("OPENAI", Secret("new")) != first


async def test_every_rotation_is_an_act_of_its_own_and_is_what_the_run_goes_on_with(shelf: CredentialShelf) -> None:
    kept = Kept()
    vault(shelf, kept, "decrypt").keep("OPENAI", Secret("handed on"))
    step = vault(shelf, kept, done=decrypted())
    await step.rotate("OPENAI", Secret("second"))
    first = shelf.stored["OPENAI"].credential_id
    await step.rotate("OPENAI", Secret("third"))
    assert shelf.stored["OPENAI"].credential_id != first
    assert shelf.acts[-1] == ("acme", "OPENAI", "third", {"status": "VALID"})
    assert await opened(step, "OPENAI") == "third"


async def test_what_was_read_from_a_provider_is_stored_there_when_it_rotates(shelf: CredentialShelf) -> None:
    kept = Kept()
    vault(shelf, kept, "decrypt").keep("loaned", Secret("first"))
    step = vault(shelf, kept, done={"decrypt": DECRYPTED})
    await step.rotate("loaned", Secret("second"))
    assert await opened(step, "loaned") == "second"
    assert await opened(vault(shelf), "OPENAI") == "second"
    assert list(shelf.stored) == ["OPENAI"]


@pytest.mark.fault("F46")
async def test_a_refused_credential_is_flagged_and_what_is_known_of_it_is_said(shelf: CredentialShelf) -> None:
    step = vault(shelf)
    shelf.put("OPENAI", "s", "VALID", last_validated_at=CLOCK.now())
    await step.secret("OPENAI")
    error = await step.explained(refusal("401"))
    assert shelf.verdicts == [("c_OPENAI", Verdict(ValidationStatus.INVALID, "GET https://x: refused"))]
    said = "GET https://x: refused; the credential was VALID when it was last validated, 2025-06-15 12:00 UTC"
    assert error.failure.message == said


@pytest.mark.parametrize(("status", "code"), [("VALID", "403"), ("INVALID", "401")])
async def test_a_credential_is_not_flagged_for_one_thing_or_twice(
    shelf: CredentialShelf, status: str, code: str
) -> None:
    step = vault(shelf)
    shelf.put("OPENAI", "s", status, last_error="no scope", last_validated_at=CLOCK.now())
    await step.secret("OPENAI")
    assert (await step.explained(refusal(code))).failure.message.endswith("12:00 UTC: no scope")
    assert shelf.verdicts == []


async def test_a_refusal_stays_the_step_s_failure_when_flagging_fails(shelf: CredentialShelf) -> None:
    step, shelf.away = vault(shelf), provider_failed(Reason.WAREHOUSE_UNAVAILABLE, "away", retryable=True)
    await step.secret("OPENAI")
    assert (await step.explained(refusal("401"))).failure == refusal("401").failure


async def test_another_failure_stays_as_it_is(shelf: CredentialShelf) -> None:
    error = provider_failed(Reason.PROVIDER_UNAVAILABLE, "away", retryable=True, provider="OPENAI")
    assert await vault(shelf).explained(error) is error


def refusal(status: str) -> FailedError:
    return provider_failed(
        Reason.PROVIDER_AUTH, "GET https://x: refused", retryable=False, provider="OPENAI", status=status
    )


def test_nothing_kept_is_shown() -> None:
    kept = Kept()
    kept.put("OPENAI", "s", Secret("canary"))
    assert "canary" not in repr(kept)
