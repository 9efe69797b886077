"""What keeps an organisation from running a pipeline, in the order in which a run is refused for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from workers.model.failure import Code, Failure, Reason
from workers.model.org import Org


def obstacles(org: Org | None, needed: Sequence[str], today: date, mend_at: str) -> Iterator[Failure]:
    """Yield what stands in the way of a pipeline that needs credentials for these providers; nothing when it may run.

    `mend_at` is where the organisation can change it.
    """
    standing = "the organisation is not known" if org is None else org.obstacle(today)
    if standing:
        message = f"{standing}; pipelines run with an ACTIVE or TRIAL subscription, see {mend_at}"
        yield Failure(
            Code.PERMISSION_DENIED, Reason.SUBSCRIPTION_INACTIVE, message, metadata={"status": _standing(org)}
        )
    for provider in needed:
        why = f"there is no credential for {provider}" if org is None else org.without(provider)
        if why:
            message = f"{why}; set it up at {mend_at}"
            yield Failure(
                Code.FAILED_PRECONDITION,
                Reason.INTEGRATION_NOT_CONFIGURED,
                message,
                metadata={"provider": provider},
            )


def _standing(org: Org | None) -> str:
    """Return the status that a refusal is about: the organisation's own, or else its subscription's."""
    if org is not None and org.status == "ACTIVE":
        return org.subscription.status if org.subscription else "missing"
    return org.status if org else "missing"
