"""Faults to answer with, switched at start and at run time: rules that are used up one request at a time.

A rule names an endpoint of the provider (or `*`), what goes wrong (`kind`), how many requests pass before it (`skip`)
and how many it hits (`times`, null for all).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import attrs

KINDS = (
    "status",  # an error body with `status`; 429 and 503 with Retry-After when `retry_after` or `retry_at` is set
    "delay",  # the right answer after `seconds`
    "hang",  # no answer for `seconds`
    "drip",  # the right answer in small pieces, spread over `seconds`
    "reset",  # the connection is cut in the middle of the body
    "truncated",  # a whole answer of half a document
    "html",  # 200 with a web page
    "repeated_cursor",  # has_more with the cursor of this very page
    "lost_cursor",  # has_more without next_page
    "redirect",  # 302 to `location`
)
_LASTING = {"hang": 3_600.0, "delay": 1.0, "drip": 5.0}


class FaultRuleError(ValueError):
    """The rules are not a list of fault rules; the message says which and why."""


@attrs.define
class FaultRule:
    """One rule and how much of it is left."""

    kind: str
    endpoint: str = "*"
    times: int | None = attrs.field(default=1)
    skip: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    status: int = attrs.field(default=500, validator=[attrs.validators.ge(300), attrs.validators.lt(600)])
    retry_after: int | None = None
    retry_at: int | None = None
    seconds: float | None = None
    location: str = "http://127.0.0.1:9/elsewhere"

    @times.validator
    def _not_negative(self, _: object, times: int | None) -> None:
        if times is not None and times < 0:
            raise ValueError(f"times is null or counts from 0, not {times}")

    @property
    def lasting(self) -> float:
        """How long a slow answer takes, in seconds."""
        return _LASTING.get(self.kind, 0.0) if self.seconds is None else float(self.seconds)

    def applies(self, endpoint: str) -> bool:
        """Tell whether the rule hits this request, and use it up."""
        if self.endpoint not in {"*", endpoint} or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The rules in force; the first that applies to a request decides."""

    def __init__(self, rules: Sequence[FaultRule] = ()) -> None:
        self.rules = list(rules)

    def take(self, endpoint: str) -> FaultRule | None:
        """Return the rule for a request, if any, and count it."""
        return next((rule for rule in self.rules if rule.applies(endpoint)), None)


def parse_rules(document: Any, endpoints: Collection[str], kinds: Collection[str] = KINDS) -> list[FaultRule]:
    """Return the rules of a JSON list for a provider's endpoints; raises FaultRuleError on anything else."""
    if not isinstance(document, list):
        raise FaultRuleError("fault rules are a JSON list")
    return [_rule(place, item, ("*", *endpoints), kinds) for place, item in enumerate(document)]


def _rule(place: int, item: Any, endpoints: Collection[str], kinds: Collection[str]) -> FaultRule:
    try:
        rule = FaultRule(**item)
    except (TypeError, ValueError) as error:
        raise FaultRuleError(f"rule {place}: {error.args[0] if error.args else error}") from error
    for value, known in ((rule.kind, kinds), (rule.endpoint, endpoints)):
        if value not in known:
            raise FaultRuleError(f"rule {place}: {value!r} is none of {', '.join(known)}")
    return rule
