"""How long is fuzzed: the same few examples in every run of the suite, ever other ones with FUZZ=long."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

LONG = os.environ.get("FUZZ") == "long"


def effort(examples: int, long: int | None = None) -> settings:
    """Return settings; a long run is 25 times as long unless it is said otherwise. A failure says how to repeat it."""
    return settings(
        max_examples=(long or 25 * examples) if LONG else examples,
        derandomize=not LONG,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
