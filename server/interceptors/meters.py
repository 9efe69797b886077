"""Counts of what passes the guards."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

rpc_seconds = Histogram(
    "rpc_seconds",
    "Time from the request to the answer",
    ["method", "code"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
limited = Counter("rpc_limited_total", "Calls refused by a rate limit", ["limit"])
audit_lost = Counter("audit_lost_total", "Audit entries that the journal did not take")
