"""The faults this provider can be told to have, by its endpoints (`completions`, `costs`, …)."""

from __future__ import annotations

from typing import Any

from sandbox.faults import FaultRule, parse_rules
from sandbox.openai.account import NAMES
from sandbox.openai.endpoints import ENDPOINTS


def parse(document: Any) -> list[FaultRule]:
    """Return the rules of a JSON list; raises FaultRuleError on anything else."""
    return parse_rules(document, [*(endpoint.name for endpoint in ENDPOINTS), *NAMES.values()])
