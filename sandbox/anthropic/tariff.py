"""What the simulated provider charges: cost records out of usage records. Pure, exact, in cents.

It is the provider's own list, kept apart from the service's price table on purpose. Priority Tier is paid in advance
and on no bill; code execution is on the bill and in no usage report.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from sandbox.anthropic.organisation import MODELS
from sandbox.records import Record

_TITLES = {model.name: model.title for model in MODELS}
# US dollars for a million tokens: uncached input, cache writes of five minutes and of an hour, cache reads, output.
_TOKENS = {
    "claude-opus-5-5": ("4", "5", "8", "0.2", "20"),
    "claude-opus-5": ("5", "6.25", "10", "0.5", "25"),
    "claude-sonnet-4-5-20250929": ("3", "3.75", "6", "0.3", "15"),
    "claude-haiku-4-5-20251001": ("1", "1.25", "2", "0.1", "5"),
    "claude-nova-preview": ("7", "8.75", "14", "0.7", "35"),
}
_LARGE = (Decimal(2), Decimal("1.5"))  # times for input and output of requests beyond 200k tokens
_SEARCH = Decimal(1)  # a cent each
_METERS = (
    ("uncached_input_tokens", "uncached_input_tokens", "Input Tokens"),
    ("ephemeral_5m_input_tokens", "cache_creation.ephemeral_5m_input_tokens", "Input Tokens, Cache Write (5m)"),
    ("ephemeral_1h_input_tokens", "cache_creation.ephemeral_1h_input_tokens", "Input Tokens, Cache Write (1h)"),
    ("cache_read_input_tokens", "cache_read_input_tokens", "Input Tokens, Cache Hit"),
    ("output_tokens", "output_tokens", "Output Tokens"),
)


def cost_records(usage: Record) -> Iterator[Record]:
    """Give what one usage record costs, a record per line; what costs nothing is not reported."""
    where = usage.dimensions
    if where["service_tier"] == "priority":
        return
    who = {name: where[name] for name in ("workspace_id",) if name in where}
    how = {name: where[name] for name in ("model", "service_tier", "context_window", "inference_geo")}
    for place, (count, token_type, title) in enumerate(_METERS):
        amount = int(usage.counts.get(count, 0)) * _cents_for_one(usage, place)
        line = f"{_TITLES[str(where['model'])]} Usage - {title}{_suffix(usage)}"
        if amount:
            said = {"description": line, "cost_type": "tokens", "token_type": token_type}
            yield Record(usage.second, {**who, **how, **said}, {"amount": amount})
    if searches := int(usage.counts.get("web_search_requests", 0)):
        said = {"description": "Web Search Usage", "cost_type": "web_search"}
        yield Record(usage.second, {**who, **how, **said}, {"amount": searches * _SEARCH})


def code_execution(second: int, hours: int) -> Record:
    """Return a cost that no usage stands behind."""
    line = {"description": "Code Execution Usage", "cost_type": "code_execution", "workspace_id": "wrkspc_01Research"}
    return Record(second, line, {"amount": hours * Decimal(5)})


def _cents_for_one(usage: Record, place: int) -> Decimal:
    where = usage.dimensions
    each = Decimal(_TOKENS[str(where["model"])][place]) * 100 / 1_000_000
    if where["context_window"] == "200k-1M":
        each *= _LARGE[place == len(_METERS) - 1]
    if where["service_tier"] == "batch":
        each /= 2
    return each * Decimal("1.1") if where["inference_geo"] == "us" else each


def _suffix(usage: Record) -> str:
    where = usage.dimensions
    parts = [", Batch"] if where["service_tier"] == "batch" else []
    parts += [", Long Context"] if where["context_window"] == "200k-1M" else []
    parts += [", US"] if where["inference_geo"] == "us" else []
    return "".join(parts)
