"""Stores a credential in place of the active one: format check, trial at its provider, then one transaction.

The secret itself never stands in a parameter, a YAML file, the journal, an event or a log, so it comes from where it
is sealed or only in memory:

- `sealed`: a value that an operator or another service sealed under the service's KMS key for this organisation and
  provider (`ports.Vault.unseal` says how); what a parameter and the journal hold of it is ciphertext;
- `from_kept`: what an earlier step of this run kept under a name, such as a token it obtained;
- `from_stored`: the stored credential of a provider, sealed anew under today's version of the KMS key.
"""

from __future__ import annotations

from typing import Any

from attrs import Attribute, field, frozen

from workers.model.credential import ValidationStatus
from workers.model.failure import Code, Reason, refused
from workers.model.page import Endpoint
from workers.model.secret import Secret
from workers.ports import StepContext, StepResult
from workers.processors.integrations.endpoints import endpoint_of
from workers.processors.validation import REFRESHED, prove, rejected


def _one_source(config: Any, _attribute: Attribute[Any], _value: Any) -> None:
    if sum(map(bool, (config.sealed, config.from_kept, config.from_stored))) != 1:
        raise ValueError("exactly one of 'sealed', 'from_kept' and 'from_stored' is needed")


@frozen
class StoreConfig:
    """Whose credential is stored and where it comes from; `validate` tries it first where the provider declares how.

    A provider that is not registered has no form and no trial.
    """

    provider: str
    sealed: str = ""
    from_kept: str = ""
    from_stored: str = ""
    name: str = ""
    validate: bool = field(default=True, validator=_one_source)


class KmsStore:
    """Engine of `integrations.kms_store`."""

    Config = StoreConfig

    async def execute(self, config: StoreConfig, ctx: StepContext) -> StepResult:
        """Store it; FailedError(CREDENTIAL_INVALID) says why it is refused, and then nothing has changed."""
        endpoint = endpoint_of(ctx, config.provider)
        secret = await _found(config, ctx, endpoint)
        objection = endpoint.form.objection(secret)
        if objection:
            what = f"the {endpoint.provider} credential is not stored: {objection}"
            raise refused(Code.FAILED_PRECONDITION, Reason.CREDENTIAL_INVALID, what, provider=endpoint.provider)
        status = await _tried(config, ctx, endpoint, secret)
        stored = await ctx.vault.store(
            endpoint.provider, secret, name=config.name, kind=endpoint.form.type, status=status
        )
        return StepResult(output={"provider": endpoint.provider, "credential_id": stored, "status": status})


async def _found(config: StoreConfig, ctx: StepContext, endpoint: Endpoint) -> Secret:
    if config.sealed:
        return await ctx.vault.unseal(endpoint.provider, config.sealed)
    if config.from_kept:
        return await ctx.vault.secret(config.from_kept)
    return (await ctx.vault.stored(config.from_stored)).secret


async def _tried(config: StoreConfig, ctx: StepContext, endpoint: Endpoint, secret: Secret) -> ValidationStatus:
    # A trial would use a refresh token up before it is stored.
    if not config.validate or endpoint.proof is None or endpoint.auth.kind == REFRESHED:
        return ValidationStatus.PENDING
    verdict = await prove(ctx, endpoint, secret)
    if verdict.status is not ValidationStatus.VALID:
        raise rejected(endpoint, verdict)
    return verdict.status


def get_engine() -> KmsStore:
    """Return the engine of `integrations.kms_store`."""
    return KmsStore()
