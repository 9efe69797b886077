"""The health of one host as one credential sees it: a breaker, and a budget that keeps retries a small share.

Time is passed in; nothing here waits.
"""

from __future__ import annotations

from attrs import define, frozen

RETRY_TOKENS = 10.0
_EARNED = 0.5


@frozen
class CircuitTerms:
    """Opens after so many consecutive failures, for so many seconds; a probe that is out is awaited in steps."""

    failures: int = 5
    open_seconds: float = 30.0
    probe_seconds: float = 1.0


@define
class Circuit:
    """Closed, open until a time, or half open: then one probe decides."""

    terms: CircuitTerms
    failures: int = 0
    open_until: float | None = None
    probing: bool = False
    tokens: float = RETRY_TOKENS

    def enter(self, now: float) -> float:
        """Return 0 when a request may go (the caller reports how it went), else the seconds to wait."""
        if self.open_until is None:
            return 0.0
        if now < self.open_until:
            return self.open_until - now
        if self.probing:
            return self.terms.probe_seconds
        self.probing = True
        return 0.0

    def open_for(self, now: float) -> float:
        """Return the seconds for which no request may go, without asking to go."""
        return 0.0 if self.open_until is None else max(0.0, self.open_until - now)

    def succeeded(self) -> None:
        """Note that the host answered."""
        self.failures, self.open_until, self.probing = 0, None, False
        self.tokens = min(RETRY_TOKENS, self.tokens + _EARNED)

    def failed(self, now: float) -> None:
        """Note that the host is unwell."""
        self.failures += 1
        if self.probing or self.failures >= self.terms.failures:
            self.open_until = now + self.terms.open_seconds
        self.probing = False

    def abandoned(self) -> None:
        """Note that a request ended without an outcome: somebody else may probe."""
        self.probing = False

    def may_retry(self) -> bool:
        """Take a retry from the budget, if it has one."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    @property
    def sound(self) -> bool:
        """Whether there is nothing to remember."""
        return not self.failures and self.open_until is None and self.tokens >= RETRY_TOKENS


class Circuits:
    """The circuits of one process; only those with something to remember are kept, the oldest not for ever."""

    MOST = 10_000

    def __init__(self, terms: CircuitTerms) -> None:
        self._terms = terms
        self._kept: dict[str, Circuit] = {}

    def of(self, key: str) -> Circuit:
        """Return the circuit of a credential and host."""
        if key not in self._kept and len(self._kept) >= self.MOST:
            del self._kept[next(iter(self._kept))]
        return self._kept.setdefault(key, Circuit(self._terms))

    def tidy(self, key: str) -> None:
        """Forget a circuit that is sound."""
        circuit = self._kept.get(key)
        if circuit is not None and circuit.sound:
            del self._kept[key]

    def __len__(self) -> int:
        return len(self._kept)
