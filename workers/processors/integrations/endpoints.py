"""What the registry says of a provider; of one that it does not know, that nothing is said."""

from __future__ import annotations

from workers.model.failure import FailedError
from workers.model.page import Endpoint
from workers.ports import StepContext


def endpoint_of(ctx: StepContext, provider: str) -> Endpoint:
    """Return a provider's endpoint. A credential may be stored for any name: then it has no form and no trial."""
    try:
        found: Endpoint = ctx.endpoint(provider)
    except FailedError:
        return Endpoint(provider.upper(), "")
    return found
