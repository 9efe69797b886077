"""The endpoints of the organization API, as its published specification lists them. Names and facts, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

_WHO = ("project_id", "user_id", "api_key_id", "model")
_FILTERS = {"project_ids": "project_id", "user_ids": "user_id", "api_key_ids": "api_key_id", "models": "model"}
USAGE_LIMITS = {"1d": (7, 31), "1h": (24, 168), "1m": (60, 1440)}
COST_LIMITS = {"1d": (7, 180)}
WIDTHS = {"1d": 86_400, "1h": 3_600, "1m": 60}


@attrs.frozen
class Endpoint:
    """One listing: what its rows count, what they may be grouped and filtered by."""

    path: str
    object: str
    counts: tuple[str, ...]
    dimensions: tuple[str, ...] = _WHO
    filters: Mapping[str, str] = attrs.field(default=_FILTERS)
    values: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    limits: Mapping[str, tuple[int, int]] = attrs.field(default=USAGE_LIMITS)

    @property
    def name(self) -> str:
        """The last part of the path, such as `completions`."""
        return self.path.rpartition("/")[2]


def _usage(name: str, counts: str, *, result: str = "", **more: object) -> Endpoint:
    kind = result or name
    return Endpoint(f"usage/{name}", f"organization.usage.{kind}.result", tuple(counts.split()), **more)  # type: ignore[arg-type]


def _only(*parameters: str) -> dict[str, str]:
    return {name: _FILTERS[name] for name in parameters}


COMPLETION_COUNTS = (
    "input_tokens input_cached_tokens input_cache_write_tokens input_uncached_tokens output_tokens input_text_tokens "
    "output_text_tokens input_cached_text_tokens input_audio_tokens input_cached_audio_tokens output_audio_tokens "
    "input_image_tokens input_cached_image_tokens output_image_tokens num_model_requests"
)
COSTS = Endpoint(
    "costs",
    "organization.costs.result",
    ("amount", "quantity"),
    dimensions=("line_item", "project_id", "api_key_id"),
    filters=_only("project_ids", "api_key_ids"),
    limits=COST_LIMITS,
)
ENDPOINTS = (
    _usage(
        "completions",
        COMPLETION_COUNTS,
        dimensions=(*_WHO, "batch", "service_tier"),
        filters={**_FILTERS, "batch": "batch"},
        values={"batch": ("true", "false")},
    ),
    _usage("embeddings", "input_tokens num_model_requests"),
    _usage("moderations", "input_tokens num_model_requests"),
    _usage(
        "images",
        "images num_model_requests",
        dimensions=("size", "source", *_WHO),
        filters={**_FILTERS, "sizes": "size", "sources": "source"},
        values={
            "sizes": ("256x256", "512x512", "1024x1024", "1792x1792", "1024x1792"),
            "sources": ("image.generation", "image.edit", "image.variation"),
        },
    ),
    _usage("audio_speeches", "characters num_model_requests"),
    _usage("audio_transcriptions", "seconds num_model_requests"),
    _usage("vector_stores", "usage_bytes", dimensions=("project_id",), filters=_only("project_ids")),
    _usage("code_interpreter_sessions", "num_sessions", dimensions=("project_id",), filters=_only("project_ids")),
    _usage(
        "file_search_calls",
        "num_requests",
        result="file_searches",
        dimensions=("project_id", "user_id", "api_key_id", "vector_store_id"),
        filters={**_only("project_ids", "user_ids", "api_key_ids"), "vector_store_ids": "vector_store_id"},
    ),
    _usage(
        "web_search_calls",
        "num_model_requests num_requests",
        result="web_searches",
        dimensions=(*_WHO, "context_level"),
        filters={**_FILTERS, "context_levels": "context_level"},
        values={"context_levels": ("low", "medium", "high")},
    ),
    COSTS,
)
