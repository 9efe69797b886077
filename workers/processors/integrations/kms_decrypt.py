"""Opens a stored credential once for later steps of the same run, which find it before what is stored.

A refresh token is not kept: it changes with its use, so that later steps have to read the one that is stored then.
"""

from __future__ import annotations

from attrs import frozen

from workers.model.failure import Code, Reason, refused
from workers.ports import StepContext, StepResult
from workers.processors.integrations.endpoints import endpoint_of
from workers.processors.validation import REFRESHED


@frozen
class DecryptConfig:
    """Whose credential is opened, and the name later steps ask for it by: the provider's own unless given."""

    provider: str
    keep_as: str = ""


class KmsDecrypt:
    """Engine of `integrations.kms_decrypt`."""

    Config = DecryptConfig

    async def execute(self, config: DecryptConfig, ctx: StepContext) -> StepResult:
        """Hand the secret on in memory. The output says where it came from, for a process that takes the run over."""
        stored = await ctx.vault.stored(config.provider)
        if not stored.usable:
            what = f"the {stored.provider} credential is {stored.status}; store it again"
            raise refused(Code.FAILED_PRECONDITION, Reason.CREDENTIAL_INVALID, what, provider=stored.provider)
        kept_as = config.keep_as or config.provider
        if endpoint_of(ctx, config.provider).auth.kind != REFRESHED:
            ctx.vault.keep(kept_as, stored.secret)
        said = {"provider": config.provider, "kept_as": kept_as, "credential_id": stored.credential_id}
        return StepResult(output=said)


def get_engine() -> KmsDecrypt:
    """Return the engine of `integrations.kms_decrypt`."""
    return KmsDecrypt()
