from __future__ import annotations

from typing import Any

import pytest

from tests.unit.processors.integrations.conftest import Trial, example
from workers.model.failure import FailedError, Reason
from workers.model.page import Auth
from workers.model.run import StepRun, StepStatus
from workers.model.secret import Secret
from workers.processors.integrations.kms_decrypt import KmsDecrypt
from workers.processors.integrations.kms_store import KmsStore, StoreConfig
from workers.processors.validation import REFRESHED

NEW = "sk-admin-new1"


async def test_a_new_key_is_tried_and_stored_as_valid(trial: Trial) -> None:
    trial.answers("OPENAI")
    result = await trial.does(KmsStore(), provider="OPENAI", sealed=f"sealed:{NEW}", name="Main")
    (act,) = trial.shelf.acts
    assert act == ("acme", "OPENAI", NEW, {"name": "Main", "kind": "API_KEY", "status": "VALID"})
    assert result.output == {
        "provider": "OPENAI",
        "credential_id": trial.shelf.stored["OPENAI"].credential_id,
        "status": "VALID",
    }
    assert trial.provider.heard[0].headers["authorization"] == f"Bearer {NEW}"


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("sk-proj-1", "the OPENAI credential is not stored: it does not begin with sk-admin-"),
        (NEW, r"the OPENAI credential is INVALID: the provider answered 401 \(invalid_api_key\)"),
    ],
)
async def test_a_key_that_does_not_fit_or_work_changes_nothing(trial: Trial, key: str, why: str) -> None:
    trial.answers("OPENAI", example("openai/error_401"), "401 Unauthorized")
    with pytest.raises(FailedError, match=why) as raised:
        await trial.does(KmsStore(), provider="OPENAI", sealed=f"sealed:{key}")
    assert raised.value.failure.reason is Reason.CREDENTIAL_INVALID
    assert trial.shelf.acts == []


@pytest.mark.parametrize("config", [{"validate": False, "provider": "OPENAI"}, {"provider": "vendor_api"}])
async def test_what_is_not_tried_is_pending(trial: Trial, config: dict[str, Any]) -> None:
    result = await trial.does(KmsStore(), sealed=f"sealed:{NEW}", **config)
    assert result.output["status"] == "PENDING"
    assert trial.asked == []


async def test_a_stored_key_is_sealed_anew(trial: Trial) -> None:
    trial.shelf.put("ANTHROPIC", "sk-ant-admin-1")
    trial.answers("ANTHROPIC")
    await trial.does(KmsStore(), provider="ANTHROPIC", from_stored="ANTHROPIC")
    assert [act[2] for act in trial.shelf.acts] == ["sk-ant-admin-1"]


async def test_what_an_earlier_step_obtained_is_stored(trial: Trial) -> None:
    trial.vault("earlier").keep("token", Secret("t-1"))
    later = trial.vault(done={"earlier": StepRun("earlier", "x.y", StepStatus.COMPLETED)})
    await trial.does(KmsStore(), later, provider="VENDOR_API", from_kept="token")
    assert trial.shelf.acts[0][:3] == ("acme", "VENDOR_API", "t-1")


@pytest.mark.parametrize("sources", [{}, {"sealed": "x", "from_kept": "y"}])
def test_there_is_exactly_one_source(sources: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="exactly one of 'sealed', 'from_kept' and 'from_stored' is needed"):
        StoreConfig("OPENAI", **sources)


@pytest.mark.parametrize(("keep_as", "asked"), [("", "OPENAI"), ("admin", "admin")])
async def test_a_decrypted_secret_reaches_later_steps_and_no_output(trial: Trial, keep_as: str, asked: str) -> None:
    trial.shelf.put("OPENAI", "first")
    result = await trial.does(KmsDecrypt(), trial.vault("decrypt"), provider="OPENAI", keep_as=keep_as)
    assert result.output == {"provider": "OPENAI", "kept_as": asked, "credential_id": "c_OPENAI"}
    trial.shelf.put("OPENAI", "second")
    done = StepRun("decrypt", "x.y", StepStatus.COMPLETED, output=result.output)
    assert (await trial.vault(done={"decrypt": done}).secret(asked)).reveal() == "first"
    trial.kept = type(trial.kept)()  # as in another process
    assert (await trial.vault(done={"decrypt": done}).secret(asked)).reveal() == "second"


async def test_a_refresh_token_is_read_anew_by_every_step(trial: Trial) -> None:
    trial.auth = Auth(REFRESHED)
    trial.shelf.put("OPENAI", "first")
    await trial.does(KmsDecrypt(), trial.vault("decrypt"), provider="OPENAI")
    trial.shelf.put("OPENAI", "rotated")
    done = {"decrypt": StepRun("decrypt", "x.y", StepStatus.COMPLETED)}
    assert (await trial.vault(done=done).secret("OPENAI")).reveal() == "rotated"


async def test_a_credential_that_is_over_is_not_handed_on(trial: Trial) -> None:
    trial.shelf.put("OPENAI", "first", "EXPIRED")
    with pytest.raises(FailedError, match="the OPENAI credential is EXPIRED; store it again"):
        await trial.does(KmsDecrypt(), provider="OPENAI")
