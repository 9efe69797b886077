"""A channel that keeps what it is given, or refuses it as a test says."""

from __future__ import annotations

from attrs import define, field

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.notice import Letter
from workers.ports import Way


@define(eq=False)
class Letterbox:
    """Keeps `workers.ports.Notifier`; `shut` is raised instead of taking a letter."""

    letters: list[Letter] = field(factory=list)
    ways: list[Way] = field(factory=list)
    shut: BaseException | None = None

    async def send(self, letter: Letter, way: Way) -> None:
        if self.shut is not None:
            raise self.shut
        self.letters.append(letter)
        self.ways.append(way)

    @property
    def subjects(self) -> list[str]:
        return [letter.subject for letter in self.letters]


def refusal(*, retryable: bool, retry_after: float | None = None) -> FailedError:
    reason = Reason.PROVIDER_UNAVAILABLE if retryable else Reason.PROVIDER_REFUSED
    return FailedError(Failure(Code.UNAVAILABLE, reason, "no answer", retryable, retry_after))
