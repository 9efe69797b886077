"""What went wrong with one attempt, as a value: its class, words that quote nothing, and whether to try again."""

from __future__ import annotations

from attrs import frozen

from workers.model.failure import FailedError, Reason, provider_failed


@frozen
class Trouble:
    """`what` continues the sentence «METHOD URL …»; `status` is 0 when there was no answer.

    `code` is the provider's own word for it, where it is one that is known.
    """

    reason: Reason
    what: str
    retryable: bool = False
    retry_after: float | None = None
    status: int = 0
    code: str = ""

    @property
    def unwell(self) -> bool:
        """Whether it speaks of the host's health, and not of this request or its sender."""
        broken = self.reason is Reason.PROVIDER_BAD_RESPONSE and self.retryable
        return broken or self.reason is Reason.PROVIDER_UNAVAILABLE

    def error(self, shown: str, provider: str, attempt: int) -> FailedError:
        """Build the error of the attempt; `shown` is the method and the URL without its query."""
        return provider_failed(
            self.reason,
            f"{shown}: {self.what} (attempt {attempt})",
            retryable=self.retryable,
            retry_after=self.retry_after,
            provider=provider,
            status=str(self.status) if self.status else "",
            attempt=str(attempt),
            **({"provider_code": self.code} if self.code else {}),
        )


def bad_response(what: str, *, retryable: bool = False, status: int = 0) -> Trouble:
    """Build the trouble of an answer that cannot be believed."""
    return Trouble(Reason.PROVIDER_BAD_RESPONSE, what, retryable, status=status)
