from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import hostile_provider as hostile
from tests.unit.processors.integrations.conftest import PATHS, Trial, example
from workers.model.credential import ValidationStatus, Verdict
from workers.model.failure import FailedError, Reason, SnoozeError
from workers.processors.anthropic import validation as anthropic
from workers.processors.gcp import validation as gcp
from workers.processors.integrations import validate
from workers.processors.openai import validation as openai

ENGINES: dict[str, Any] = {
    "OPENAI": openai.get_engine(),
    "ANTHROPIC": anthropic.get_engine(),
    "GCP_SA": gcp.get_engine(),
}
SECRETS = {"OPENAI": "sk-admin-canary1", "ANTHROPIC": "sk-ant-admin-canary1"}


@pytest.fixture
def stored(trial: Trial, key_file: str) -> Trial:
    for provider in ENGINES:
        trial.shelf.put(provider, SECRETS.get(provider, key_file))
    return trial


@pytest.mark.parametrize("provider", ENGINES)
async def test_a_credential_that_may_read_what_it_is_for_is_valid(stored: Trial, provider: str) -> None:
    stored.answers(provider)
    result = await stored.does(ENGINES[provider])
    assert result.output == {
        "provider": provider,
        "credential_id": f"c_{provider}",
        "status": "VALID",
        "reason": "",
    }
    assert stored.shelf.verdicts == [(f"c_{provider}", Verdict(ValidationStatus.VALID))]
    assert stored.asked == ["/token"] * (provider == "GCP_SA") + [PATHS[provider]]


async def test_one_engine_serves_any_provider_and_alias(stored: Trial) -> None:
    stored.answers("ANTHROPIC")
    assert (await stored.does(validate.get_engine(), provider="CLAUDE")).output["provider"] == "ANTHROPIC"


REJECTIONS = [
    (
        "OPENAI",
        "401 U",
        "openai/error_401",
        "INVALID",
        "the provider answered 401 (invalid_api_key); it takes",
    ),
    (
        "OPENAI",
        "403 F",
        "openai/error_403_missing_scope",
        "INVALID",
        "the provider answered 403; it takes an admin",
    ),
    ("ANTHROPIC", "401 U", "anthropic/error_401", "INVALID", "the provider answered 401 (authentication_error); it"),
    ("GCP_SA", "403 F", "google/error_403_scope_insufficient", "INVALID", "answered 403 (ACCESS_TOKEN_SCOPE_INSUFF"),
    ("GCP_SA", "403 F", "google/error_403_service_disabled", "INVALID", "the provider answered 403 (SERVICE_DISABLED)"),
]


@pytest.mark.parametrize(("provider", "status", "document", "verdict", "why"), REJECTIONS)
async def test_a_rejection_is_recorded_with_its_reason_and_fails_the_step(
    stored: Trial, provider: str, status: str, document: str, verdict: str, why: str
) -> None:
    stored.answers(provider, example(document), status)
    with pytest.raises(FailedError) as raised:
        await stored.does(ENGINES[provider])
    ((credential_id, recorded),) = stored.shelf.verdicts
    assert (credential_id, recorded.status) == (f"c_{provider}", verdict)
    assert why in recorded.reason
    failure = raised.value.failure
    assert failure.reason is Reason.CREDENTIAL_INVALID
    assert failure.message == f"the {provider} credential is {verdict}: {recorded.reason}"
    assert "canary" not in failure.message


async def test_a_token_that_is_over_is_expired(stored: Trial) -> None:
    body = b'{"error": {"status": "UNAUTHENTICATED", "details": [{"reason": "ACCESS_TOKEN_EXPIRED"}]}}'
    stored.answers("OPENAI", body, "401 U")
    result = await stored.does(ENGINES["OPENAI"], on_rejected="report")
    assert (result.output["status"], stored.shelf.verdicts[0][1].status) == ("EXPIRED", "EXPIRED")


async def test_a_service_account_that_gets_no_token_is_invalid(stored: Trial) -> None:
    stored.provider.script("/token", hostile.answer(b'{"error": "invalid_grant"}', "400 Bad"))
    result = await stored.does(ENGINES["GCP_SA"], on_rejected="report")
    assert result.output["reason"].startswith("the provider answered 400 (invalid_grant); it takes a service account")


async def test_what_cannot_even_be_sent_is_invalid_without_asking(stored: Trial) -> None:
    stored.shelf.put("GCP_SA", "not a key file")
    result = await stored.does(ENGINES["GCP_SA"], on_rejected="report")
    assert result.output["reason"] == "it is not JSON"
    assert stored.asked == []


async def test_a_rejected_key_of_another_form_is_told_so(stored: Trial) -> None:
    stored.shelf.put("OPENAI", "sk-proj-canary")
    stored.answers("OPENAI", example("openai/error_403_missing_scope"), "403 F")
    result = await stored.does(ENGINES["OPENAI"], on_rejected="report")
    assert result.output["reason"].endswith("; it does not begin with sk-admin-")


@pytest.mark.parametrize(
    ("behaviour", "error", "why"),
    [
        (hostile.answer(example("openai/error_429"), "429 Slow", Retry_After="3600"), SnoozeError, "to try again"),
        (hostile.answer(b"", "503 Away"), FailedError, "PROVIDER_UNAVAILABLE"),
        (hostile.answer(b"<html>", content_type="text/html"), FailedError, "PROVIDER_BAD_RESPONSE"),
        (hostile.answer(b"{}", "404 Not Found"), FailedError, "PROVIDER_REFUSED"),
        (hostile.raw(b"HTTP/1.1 2"), FailedError, "PROVIDER_"),
    ],
)
async def test_what_is_about_the_provider_judges_no_credential(
    stored: Trial, behaviour: hostile.Behaviour, error: type[Exception], why: str
) -> None:
    stored.provider.script(PATHS["OPENAI"], behaviour)
    with pytest.raises(error, match=why):
        await stored.does(ENGINES["OPENAI"])
    assert stored.shelf.verdicts == []


async def test_the_stored_credential_is_tried_whatever_the_run_keeps(stored: Trial) -> None:
    vault = stored.vault()
    vault.keep("OPENAI", stored.shelf.stored["ANTHROPIC"].secret)
    stored.answers("OPENAI")
    await stored.does(ENGINES["OPENAI"], vault)
    assert stored.provider.heard[0].headers["authorization"] == f"Bearer {SECRETS['OPENAI']}"


@pytest.mark.parametrize(("provider", "why"), [("SMTP", "SMTP declares no call"), ("VENDOR", "there is no provider")])
async def test_what_cannot_be_tried_is_refused(stored: Trial, provider: str, why: str) -> None:
    stored.shelf.put(provider, "secret")
    with pytest.raises(FailedError, match=why):
        await stored.does(validate.get_engine(), provider=provider)


async def test_an_absent_credential_is_no_verdict(trial: Trial) -> None:
    with pytest.raises(FailedError, match="the OPENAI credential is not there"):
        await trial.does(ENGINES["OPENAI"])
    assert trial.shelf.verdicts == []
