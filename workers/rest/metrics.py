"""What is counted of calls to providers: by provider and class of status, never by organisation or URL."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

_calls = Counter("provider_calls_total", "Requests sent to providers, by class of status", ["provider", "status"])
_seconds = Histogram(
    "provider_call_seconds",
    "Seconds from sending a request to having its whole body",
    ["provider"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
_CLASSES = range(1, 6)


def observe(provider: str, status: int, seconds: float) -> None:
    """Count one request; status 0 is one that got no answer."""
    _calls.labels(provider, _status_class(status)).inc()
    _seconds.labels(provider).observe(seconds)


def _status_class(status: int) -> str:
    if not status:
        return "none"
    return f"{status // 100}xx" if status // 100 in _CLASSES else "other"
