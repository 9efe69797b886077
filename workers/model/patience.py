"""What a step has used up of its tries and of its waiting, kept beside its checkpoint: no interruption forgets it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

KEPT_AS = "__patience"


@frozen
class Patience:
    """`failures` after which the step was tried again, and the seconds it `waited` without a slot."""

    failures: int = 0
    waited: float = 0.0

    @classmethod
    def kept_in(cls, checkpoint: Mapping[str, Any]) -> Patience:
        """Read it back from a journalled checkpoint."""
        kept = checkpoint.get(KEPT_AS, {})
        return cls(kept.get("failures", 0), kept.get("waited", 0.0))

    def beside(self, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the checkpoint to be journalled: a processor's state, and this when there is something to keep."""
        kept = {"failures": self.failures, "waited": self.waited}
        return {**state, KEPT_AS: kept} if self != Patience() else state

    def failed(self) -> Patience:
        """Count one more failure."""
        return evolve(self, failures=self.failures + 1)

    def waiting(self, seconds: float) -> Patience:
        """Count a wait that begins now."""
        return evolve(self, waited=self.waited + seconds)

    def lasts(self, allowed: float) -> bool:
        """Whether one more wait may be begun: a single one may be as long as the provider says, all together not."""
        return self.waited < allowed


def state_of(checkpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the processor's own part of a journalled checkpoint."""
    return {name: value for name, value in checkpoint.items() if name != KEPT_AS}
