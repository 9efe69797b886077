"""What makes chance repeatable: SEED from the environment, or a new one, which the report prints."""

from __future__ import annotations

import os
import random

SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(2**32))


def chance(name: str) -> random.Random:
    """Return the dice of one scenario, which roll alike under one seed whatever else runs."""
    return random.Random(f"{SEED} {name}")
