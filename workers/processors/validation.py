"""Proving a credential by the one call that its provider's entry in configs/system/providers.yml declares for it.

What the call says is a verdict: VALID, INVALID or EXPIRED. What it says of the provider's health instead (too many
requests, a server error, no answer) is no verdict: the step fails with it, is tried again, and records nothing.
"""

from __future__ import annotations

from typing import Literal

from attrs import evolve, frozen

from workers.model.credential import ValidationStatus, Verdict, verdict_of
from workers.model.failure import Code, FailedError, Reason, refused
from workers.model.page import Endpoint, Read
from workers.model.secret import Secret
from workers.ports import StepContext, StepResult

REFRESHED = "oauth2_refresh_token"

OnRejected = Literal["fail", "report"]


@frozen
class ValidationConfig:
    """Whether a credential that is not VALID fails the step, or only stands in its output."""

    on_rejected: OnRejected = "fail"


class Validation:
    """The engine of a provider's `validation`."""

    Config = ValidationConfig

    def __init__(self, provider: str) -> None:
        self._provider = provider

    async def execute(self, config: ValidationConfig, ctx: StepContext) -> StepResult:
        """Try the stored credential and record the verdict."""
        return await validate(ctx, self._provider, config.on_rejected)


async def validate(ctx: StepContext, provider: str, on_rejected: OnRejected) -> StepResult:
    """Try the stored credential of a provider and record the verdict, which switches nothing off by itself.

    Raises FailedError(CREDENTIAL_INVALID) with the reason when it is rejected and that is to fail the step.
    """
    endpoint: Endpoint = ctx.endpoint(provider)
    stored = await ctx.vault.stored(endpoint.provider)
    verdict = await prove(ctx, endpoint, stored.secret)
    await ctx.vault.record(stored.credential_id, verdict)
    ctx.log.info("credential validated", provider=endpoint.provider, status=verdict.status)
    if verdict.status is not ValidationStatus.VALID and on_rejected == "fail":
        raise rejected(endpoint, verdict)
    said = {"provider": endpoint.provider, "credential_id": stored.credential_id}
    return StepResult(output={**said, "status": verdict.status, "reason": verdict.reason})


async def prove(ctx: StepContext, endpoint: Endpoint, secret: Secret) -> Verdict:
    """Try a secret, stored or not (a refresh token: stored); raises the FailedError of a trial without a verdict."""
    proof = endpoint.proof
    if proof is None:
        what = f"{endpoint.provider} declares no call that a credential could be validated by"
        raise refused(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, what)
    read = Read(_on_trial(ctx, endpoint, secret), proof.path, proof.params, proof.method, single_object=True)
    try:
        async for _ in ctx.reading.pages(read):
            pass
    except FailedError as error:
        verdict = verdict_of(error.failure, proof.needs)
        if verdict is None:
            raise
        return _told(verdict, error.failure.reason, endpoint.form.objection(secret))
    return Verdict(ValidationStatus.VALID)


def _on_trial(ctx: StepContext, endpoint: Endpoint, secret: Secret) -> Endpoint:
    """Return the endpoint with the secret in the place of the stored one.

    It is found where steps hand secrets on, under a name nobody else uses. A refresh token changes with its use, so
    that of the provider itself is tried: what replaces it has to be stored in its place.
    """
    if endpoint.auth.kind == REFRESHED:
        return endpoint
    name = f"{endpoint.provider} on trial in {ctx.step.step_id}"
    ctx.vault.keep(name, secret)
    return evolve(endpoint, auth=evolve(endpoint.auth, provider=name))


def rejected(endpoint: Endpoint, verdict: Verdict) -> FailedError:
    """Build the error of a credential that its provider rejected."""
    what = f"the {endpoint.provider} credential is {verdict.status}: {verdict.reason}"
    return refused(Code.FAILED_PRECONDITION, Reason.CREDENTIAL_INVALID, what, provider=endpoint.provider)


def _told(verdict: Verdict, reason: Reason, objection: str) -> Verdict:
    """Say what is wrong with the form, too; of what could not even be sent that is all there is to say."""
    if not objection:
        return verdict
    unsent = reason is Reason.CREDENTIAL_INVALID
    return evolve(verdict, reason=objection if unsent else f"{verdict.reason}; {objection}")
