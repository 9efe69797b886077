"""Whose problem a failed run is and what to do about it: one verdict for every reason there is."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from workers.model.explanation import Owner, Retry
from workers.model.failure import Reason


@frozen
class Verdict:
    """`pause` is after how many seconds a retry can help at the earliest; `mended` says that the API service mends it.

    `page` is a page of the documentation.
    """

    owner: Owner
    retry: Retry
    remedy: str
    pause: float = 0.0
    mended: bool = False
    page: str = ""


_CALLER, _ORGANISATION, _PROVIDER, _SERVICE = Owner.CALLER, Owner.ORGANISATION, Owner.PROVIDER, Owner.SERVICE
_OF_A_CALL = Verdict(_SERVICE, Retry.NOW, "a call is refused so, not a run: show this run id to the operators")
_OURS = Verdict(_SERVICE, Retry.NOW, "retry; if it fails again, show this run id to the operators")
_WRONG_INPUT = Verdict(_CALLER, Retry.NEW_RUN, "correct the parameters that the message names, then start a new run")
_DECLARATION = Verdict(_SERVICE, Retry.NEW_RUN, "the operators correct the declaration; then start a new run")

VERDICTS: Mapping[Reason, Verdict] = {
    Reason.KEY_INVALID: _OF_A_CALL,
    Reason.KEY_KIND_NOT_ALLOWED: _OF_A_CALL,
    Reason.KEY_SCOPE_NOT_ALLOWED: _OF_A_CALL,
    Reason.ORG_MISMATCH: _OF_A_CALL,
    Reason.RATE_LIMITED: _OF_A_CALL,
    Reason.REQUEST_TOO_LARGE: _OF_A_CALL,
    Reason.METHOD_NOT_FOUND: _OF_A_CALL,
    Reason.NOT_IMPLEMENTED: _OF_A_CALL,
    Reason.IDEMPOTENCY_MISMATCH: _OF_A_CALL,
    Reason.QUOTA_EXCEEDED: _OF_A_CALL,
    Reason.QUEUE_FULL: _OF_A_CALL,
    Reason.RUN_NOT_FOUND: _OF_A_CALL,
    Reason.RUN_NOT_RETRYABLE: _OF_A_CALL,
    Reason.SCHEDULE_NOT_FOUND: _OF_A_CALL,
    Reason.SCHEDULE_CHANGED: _OF_A_CALL,
    Reason.PAGE_TOKEN_INVALID: _OF_A_CALL,
    Reason.REQUEST_INVALID: _WRONG_INPUT,
    Reason.PARAMETERS_INVALID: _WRONG_INPUT,
    Reason.PIPELINE_NOT_FOUND: _DECLARATION,
    Reason.CONFIG_INVALID: _DECLARATION,
    Reason.PROCEDURE_NOT_FOUND: Verdict(
        _SERVICE, Retry.AFTER_FIX, "the operators write the procedure to the dataset", page="docs/PROCEDURES.md"
    ),
    Reason.SUBSCRIPTION_INACTIVE: Verdict(_ORGANISATION, Retry.AFTER_FIX, "renew the subscription", mended=True),
    Reason.INTEGRATION_NOT_CONFIGURED: Verdict(
        _ORGANISATION, Retry.AFTER_FIX, "store the credential that the message names, or switch it on", mended=True
    ),
    Reason.CREDENTIAL_INVALID: Verdict(_ORGANISATION, Retry.AFTER_FIX, "store the credential again", mended=True),
    Reason.PROVIDER_AUTH: Verdict(
        _ORGANISATION,
        Retry.AFTER_FIX,
        "store a key that the provider accepts, with the scope it asks for, or grant the scope at the provider",
        mended=True,
    ),
    Reason.CREDENTIAL_UNAVAILABLE: Verdict(_SERVICE, Retry.LATER, "retry later; nothing is lost", 30),
    Reason.SERVICE_UNAVAILABLE: Verdict(_SERVICE, Retry.LATER, "retry later; nothing is lost", 30),
    Reason.WAREHOUSE_UNAVAILABLE: Verdict(_SERVICE, Retry.LATER, "retry later; the tables are unchanged", 30),
    Reason.WAREHOUSE_QUOTA: Verdict(_SERVICE, Retry.LATER, "retry later; quotas of a day refill by and by", 3600),
    Reason.WAREHOUSE_REJECTED: Verdict(
        _SERVICE, Retry.AFTER_FIX, "show this run id to the operators: BigQuery refuses what the message names"
    ),
    Reason.PROVIDER_RATE_LIMIT: Verdict(_PROVIDER, Retry.LATER, "retry later; nothing is lost", 60),
    Reason.PROVIDER_UNAVAILABLE: Verdict(_PROVIDER, Retry.LATER, "retry later; nothing is lost", 30),
    Reason.PROVIDER_BAD_RESPONSE: Verdict(
        _PROVIDER, Retry.NOW, "retry; if it stays, the provider's API has changed: show this run id to the operators"
    ),
    Reason.PROVIDER_REFUSED: Verdict(
        _CALLER, Retry.NEW_RUN, "correct the parameters, or have the declaration corrected; then start a new run"
    ),
    Reason.STEP_TIMEOUT: Verdict(
        _SERVICE, Retry.NOW, "retry; if it stays, narrow the days of the run, or have the step allowed more time"
    ),
    Reason.RUN_TIMEOUT: Verdict(
        _SERVICE, Retry.NOW, "retry; if it stays, narrow the days of the run, or have the run allowed more time"
    ),
    Reason.DEADLINE_EXCEEDED: Verdict(_SERVICE, Retry.NOW, "retry; if it stays, narrow the days of the run"),
    Reason.SCHEMA_CONFLICT: Verdict(_SERVICE, Retry.AFTER_FIX, "the operators migrate the table as the message says"),
    Reason.SHRINK_HELD: Verdict(
        _CALLER,
        Retry.NEW_RUN,
        "check the provider's data; to accept them, start a new run with force_refresh; the table is unchanged",
    ),
    Reason.DATA_INVALID: Verdict(
        _PROVIDER,
        Retry.NOW,
        "retry; if it stays, the provider's data do not fit the declaration: show this run id to the operators",
    ),
    Reason.DATA_QUALITY_FAILED: Verdict(
        _PROVIDER,
        Retry.AFTER_FIX,
        "check the provider's data against what the message names; the table holds the version before",
        page="docs/DATA_QUALITY.md",
    ),
    Reason.STALE_RUN: Verdict(_CALLER, Retry.NO, "nothing: a newer run has written these days"),
    Reason.PROCESSOR_ERROR: _OURS,
    Reason.INTERNAL: _OURS,
    Reason.PROCESS_CRASHED: Verdict(
        _SERVICE, Retry.AFTER_FIX, "show this run id to the operators; they mend what kills the process"
    ),
    Reason.CANCELLED: Verdict(_CALLER, Retry.NOW, "nothing; if it was cancelled by mistake, retry"),
}
