"""What the simulated provider charges: cost records out of usage records. Pure, exact, US dollars.

It is the provider's own list, kept apart from the service's price table on purpose: it knows a model no list has, and
halves for batch what the published table rounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from sandbox.records import Count, Record

_MILLION = Decimal(1_000_000)
_ONE = Decimal(1)
_CENT_PARTS = Decimal("0.000001")

# US dollars for a million tokens: uncached input, cached input, cache writes, output.
_TOKENS = {
    "gpt-4o-mini-2024-07-18": ("0.15", "0.075", "0", "0.60"),
    "gpt-4o-2024-08-06": ("2.50", "1.25", "0", "10.00"),
    "gpt-5-mini-2025-08-07": ("0.25", "0.025", "0", "2.00"),
    "gpt-5.4-2026-03-05": ("2.50", "0.25", "0", "15.00"),
    "gpt-6-sol": ("2.00", "0.20", "2.50", "10.00"),
    "o4-mini-2025-04-16": ("1.10", "0.275", "0", "4.40"),
    "ft:gpt-4o-mini-2024-07-18:acme:triage:B7xQ2m9K": ("0.30", "0.15", "0", "1.20"),
    "gpt-realtime-2025-08-28": ("4.00", "0.40", "0", "16.00"),
    "gpt-nova-preview": ("7.00", "0.70", "0", "28.00"),
    "text-embedding-3-small": ("0.02", "0", "0", "0"),
    "text-embedding-3-large": ("0.13", "0", "0", "0"),
}
_AUDIO = (Decimal("32.00"), Decimal("64.00"))  # input, output
_FACTORS = {"batch": Decimal("0.5"), "flex": Decimal("0.5"), "priority": Decimal(2), "default": Decimal(1)}
# Line item, the count it goes by, the reported unit, units in one count, US dollars for a unit.
_OTHER = {
    "images": ("image", "images", "images", _ONE, Decimal("0.04")),
    "audio_speeches": ("speech", "characters", "characters", _ONE, Decimal("0.000015")),
    "audio_transcriptions": ("transcription", "seconds", "duration_seconds", _ONE, Decimal("0.0001")),
    "vector_stores": ("vector storage", "usage_bytes", "gibibyte_hours", 24 / Decimal(2**30), Decimal("0.10") / 24),
    "code_interpreter_sessions": ("code interpreter sessions", "num_sessions", "sessions", _ONE, Decimal("0.03")),
    "file_search_calls": ("file search tool calls", "num_requests", "calls", _ONE, Decimal("0.0025")),
    "web_search_calls": ("web search tool calls", "num_requests", "calls", _ONE, Decimal("0.01")),
}


def cost_records(endpoint: str, usage: Record) -> Iterator[Record]:
    """Give what one usage record costs, a record per line item; what costs nothing is not reported."""
    for line, unit, quantity, amount in _lines(endpoint, usage):
        if amount:
            who = {name: usage.dimensions[name] for name in ("project_id", "api_key_id") if name in usage.dimensions}
            counts: dict[str, Count] = {"amount": amount.quantize(_CENT_PARTS), "quantity": quantity}
            yield Record(usage.second, {**who, "line_item": line, "quantity_unit": unit}, counts)


def _lines(endpoint: str, usage: Record) -> Iterator[tuple[str, str, Count, Decimal]]:
    model = str(usage.dimensions.get("model", ""))
    if endpoint in {"completions", "embeddings"}:
        yield from _token_lines(model, usage)
    elif endpoint in _OTHER:
        name, count, unit, units, each = _OTHER[endpoint]
        quantity = (usage.counts[count] * units).quantize(_CENT_PARTS)
        line = f"{model}, {name}" if endpoint in {"images", "audio_speeches", "audio_transcriptions"} else name
        yield line, unit, quantity, quantity * each


def _token_lines(model: str, usage: Record) -> Iterator[tuple[str, str, Count, Decimal]]:
    tier = "batch" if usage.dimensions.get("batch") else str(usage.dimensions.get("service_tier", "default"))
    label = model if tier == "default" else f"{model}, {tier}"
    for meter, quantity, price in _meters(model, usage):
        yield f"{label}, {meter}", "tokens", quantity, quantity * price * _FACTORS[tier] / _MILLION


def _meters(model: str, usage: Record) -> Iterator[tuple[str, Count, Decimal]]:
    uncached, cached, written, output = (Decimal(price) for price in _TOKENS[model])
    count = usage.counts.get
    audio_in, audio_out = count("input_audio_tokens", 0), count("output_audio_tokens", 0)
    yield "input", count("input_uncached_tokens", usage.counts["input_tokens"]) - audio_in, uncached
    yield "cached input", count("input_cached_tokens", 0), cached
    yield "cache writes", count("input_cache_write_tokens", 0), written
    yield "output", count("output_tokens", 0) - audio_out, output
    yield "audio input", audio_in, _AUDIO[0]
    yield "audio output", audio_out, _AUDIO[1]
