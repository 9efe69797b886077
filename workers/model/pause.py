"""What a run that gave its slot back waits for."""

from __future__ import annotations

from enum import StrEnum


class Pause(StrEnum):
    """Kinds of wait, as the journal keeps them beside the words."""

    ASKED = "ASKED"
    """A step asked for it, in words of its own."""
    RATE_BUDGET = "RATE_BUDGET"
    """The budget of requests that a credential has at a host refills."""
    RATE_LIMIT = "RATE_LIMIT"
    """The provider told it to come back later."""
    HOST_DOWN = "HOST_DOWN"
    """The host failed so often that nobody asks it for a while."""
    TURN = "TURN"
    """Another run of the organisation does what only one may do at a time."""
    QUOTA = "QUOTA"
    """A quota of BigQuery refills."""
    RETRY = "RETRY"
    """Something failed and is tried again."""
