"""The listings of the Admin API, as its published reference describes them. Names and facts, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

WIDTHS = {"1d": 86_400, "1h": 3_600, "1m": 60}
FAST_MODE = "fast-mode-2026-02-01"
ANALYTICS = "analytics-usage-cost-2026-08-24"

TIERS = ("standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount")
WINDOWS = ("0-200k", "200k-1M")
USAGE_DIMENSIONS = (
    "account_id",
    "api_key_id",
    "context_window",
    "inference_geo",
    "model",
    "service_account_id",
    "service_tier",
    "speed",
    "workspace_id",
)
COST_DETAILS = ("description", "cost_type", "token_type", "model", "service_tier", "context_window", "inference_geo")
USAGE_COUNTS = (
    "uncached_input_tokens",
    "ephemeral_5m_input_tokens",
    "ephemeral_1h_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "web_search_requests",
    "requests",
)
_ANALYTICS_GROUPS = (
    "actor", "actor_type", "agent_id", "api_key_id", "claude_tag_category", "claude_tag_user_id", "context_window",
    "deployment_id", "environment_id", "inference_geo", "model", "organization_id", "product", "rbac_group_id",
    "service_tier", "session_id", "slack_channel_id", "speed", "user_profile_id", "workspace_id",
)  # fmt: skip


@attrs.frozen
class Listing:
    """One report: where it is, how much of it a page holds (default and most), what it groups and filters by.

    `values` are the only ones that a filter takes; `source` names the records it is computed from.
    """

    path: str
    name: str
    source: str
    limits: Mapping[str, tuple[int, int]]
    groups: tuple[str, ...] = ()
    filters: Mapping[str, str] = attrs.field(factory=dict)
    values: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    most_groups: int = 99


MESSAGES = Listing(
    "usage_report/messages",
    "messages",
    "messages",
    {"1d": (7, 31), "1h": (24, 168), "1m": (60, 1440)},
    USAGE_DIMENSIONS,
    {
        "account_ids": "account_id",
        "api_key_ids": "api_key_id",
        "service_account_ids": "service_account_id",
        "workspace_ids": "workspace_id",
        "models": "model",
        "service_tiers": "service_tier",
        "context_window": "context_window",
        "inference_geos": "inference_geo",
        "speeds": "speed",
    },
    {
        "service_tiers": TIERS,
        "context_window": WINDOWS,
        "inference_geos": ("global", "not_available", "us"),
        "speeds": ("fast", "standard"),
    },
)
COSTS = Listing("cost_report", "cost_report", "cost_report", {"1d": (7, 31)}, ("workspace_id", "description"))
CLAUDE_CODE = Listing("usage_report/claude_code", "claude_code", "claude_code", {"": (20, 1000)})
_ROWS = dict.fromkeys(("", *WIDTHS), (20, 1000))
USAGE_ROWS = Listing("analytics/usage", "analytics_usage", "messages", _ROWS, _ANALYTICS_GROUPS, most_groups=5)
COST_ROWS = Listing(
    "analytics/cost",
    "analytics_cost",
    "cost_report",
    _ROWS,
    (*_ANALYTICS_GROUPS, "cost_type", "token_type"),
    most_groups=5,
)
BUCKETED = (MESSAGES, COSTS)
FLAT = (USAGE_ROWS, COST_ROWS)
LISTINGS = (*BUCKETED, CLAUDE_CODE, *FLAT)
