"""What a trouble with an organisation's own tables means to the step that reads them: its provider's failure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from workers.adapters.bigquery.trouble import Kind, TroubleError
from workers.model.failure import FailedError, Reason, SnoozeError, provider_failed
from workers.model.pause import Pause

CAPPED = "bytesBilledLimitExceeded"
_QUOTA_SECONDS = 3600.0
_NO_TOKEN = "credentials"  # noqa: S105 - the place of a trouble, not a secret
_WORDS: Mapping[Kind, tuple[Reason, str]] = {
    Kind.UNKNOWN: (Reason.PROVIDER_UNAVAILABLE, "BigQuery does not answer"),
    Kind.BUSY: (Reason.PROVIDER_UNAVAILABLE, "BigQuery is busy"),
    Kind.DENIED: (Reason.PROVIDER_AUTH, "BigQuery denies the credential access"),
    Kind.MISSING: (Reason.PROVIDER_REFUSED, "BigQuery does not find the project, dataset or table"),
}
_OTHER = (Reason.PROVIDER_REFUSED, "BigQuery refuses the request")


@contextlib.contextmanager
def source_errors(doing: str, provider: str) -> Iterator[None]:
    """Turn a TroubleError inside into the step's error; the chain would show BigQuery's own words."""
    try:
        yield
    except TroubleError as trouble:
        if trouble.kind is Kind.QUOTA:
            why = f"{doing}: a BigQuery quota of the organisation's project is used up"
            raise SnoozeError(_QUOTA_SECONDS, why, pause=Pause.QUOTA) from None
        raise _failed(trouble, doing, provider) from None


def _failed(trouble: TroubleError, doing: str, provider: str) -> FailedError:
    reason, words = _WORDS.get(trouble.kind, _OTHER)
    status = ""
    if trouble.kind is Kind.DENIED and trouble.reason == _NO_TOKEN:
        words, status = "the credential is not exchanged for a token", "401"
    if trouble.reason == CAPPED:
        words = "the answer would bill more bytes than the step may"
    elif trouble.reason:
        words += f" ({trouble.reason}{' at ' + trouble.place if trouble.place else ''})"
    retryable = reason is Reason.PROVIDER_UNAVAILABLE
    return provider_failed(reason, f"{doing}: {words}", retryable=retryable, provider=provider, status=status)
