"""Why a run is not further, or whose problem its end is, as values. The names are the closed list of the contract."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from attrs import frozen


class Why(StrEnum):
    """Reasons that are not failures; a failure explains itself by its workers.model.failure.Reason."""

    RUNNING = "RUNNING"
    LEASE_EXPIRED = "LEASE_EXPIRED"
    CANCELLING = "CANCELLING"
    NEXT = "NEXT"
    QUEUED = "QUEUED"
    CAP_REACHED = "CAP_REACHED"
    LANE_PAUSED = "LANE_PAUSED"
    LANES_AHEAD = "LANES_AHEAD"
    SLOTS_FULL = "SLOTS_FULL"
    NO_WORKER = "NO_WORKER"
    WORKERS_SHUT = "WORKERS_SHUT"
    SUSPECT = "SUSPECT"
    SNOOZED = "SNOOZED"
    RATE_BUDGET = "RATE_BUDGET"
    RATE_LIMITED = "RATE_LIMITED"
    HOST_DOWN = "HOST_DOWN"
    TURN_TAKEN = "TURN_TAKEN"
    QUOTA_USED_UP = "QUOTA_USED_UP"
    RETRY_SCHEDULED = "RETRY_SCHEDULED"
    CREDENTIAL_REJECTED = "CREDENTIAL_REJECTED"
    COMPLETED = "COMPLETED"
    RETRIED = "RETRIED"
    STEPS_SKIPPED = "STEPS_SKIPPED"
    STEPS_CANCELLED = "STEPS_CANCELLED"


class Owner(StrEnum):
    """Whose problem something is: who called, the organisation's set-up, its provider, or those who run the service."""

    NOBODY = ""
    CALLER = "caller"
    ORGANISATION = "organisation"
    PROVIDER = "provider"
    SERVICE = "service"


class Retry(StrEnum):
    """Whether a retry of an ended run can help."""

    NOT_ENDED = ""
    NO = "NO"
    NOW = "NOW"
    LATER = "LATER"
    AFTER_FIX = "AFTER_FIX"
    NEW_RUN = "NEW_RUN"


@frozen
class Explanation:
    """One reason, `reason` being a Why or a failure's Reason.

    `until` is when it may change by itself; `forecast` is when it probably has, going by the organisation's last runs;
    `run_ids` are runs of the same organisation that it is about; `link` is where it is mended.
    """

    reason: str
    message: str
    owner: Owner = Owner.NOBODY
    until: datetime | None = None
    remedy: str = ""
    link: str = ""
    retry: Retry = Retry.NOT_ENDED
    forecast: datetime | None = None
    run_ids: tuple[UUID, ...] = ()
    step: str = ""
