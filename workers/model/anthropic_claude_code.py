"""Claude Code's daily records as rows of anthropic_claude_code_usage_daily.

Source: the published reference of the Claude Code usage report. A record says what one actor did on one kind of
terminal, and nested in it what each model was used for. It becomes one row of what was done, and one row for each
model, each with nulls where the other counts, so that no sum over the table counts anything twice. Estimated costs are
numbers in cents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from workers.model.counts import Result, Row, added, count_of, inside, text_of
from workers.model.instants import instant
from workers.model.money import from_cents, stored

ACTIVITY, MODEL = "activity", "model"
WHO = (
    "actor_type",
    "actor",
    "organization_id",
    "customer_type",
    "subscription_type",
    "terminal_type",
    "is_remote",
    "row_kind",
    "model",
    "currency",
)
_DONE = {
    "sessions": ("core_metrics", "num_sessions"),
    "lines_added": ("core_metrics", "lines_of_code", "added"),
    "lines_removed": ("core_metrics", "lines_of_code", "removed"),
    "commits": ("core_metrics", "commits_by_claude_code"),
    "pull_requests": ("core_metrics", "pull_requests_by_claude_code"),
}
_TOKENS = {
    "input_tokens": ("tokens", "input"),
    "output_tokens": ("tokens", "output"),
    "cache_read_tokens": ("tokens", "cache_read"),
    "cache_creation_tokens": ("tokens", "cache_creation"),
}
COUNTS = (*_DONE, "tool_actions_accepted", "tool_actions_rejected", *_TOKENS)
_KNOWN = {"date", "actor", "core_metrics", "tool_actions", "model_breakdown", "is_remote", *WHO}


def day_of(record: Result) -> date:
    """Return the UTC day of a record; raises ValueError when it has none."""
    return instant(record.get("date")).date()


def rows_of(record: Result) -> Iterator[Row]:
    """Map one record; raises ValueError naming what is not as it should be."""
    who = {**_actor(record), **_terminal(record)}
    yield {**_nothing(), **who, **_done(record), "row_kind": ACTIVITY, "raw": _unknown(record)}
    models = record.get("model_breakdown")
    if not isinstance(models, Sequence) or isinstance(models, str):
        raise ValueError("model_breakdown is no list")  # noqa: TRY004 - a fault of the answer like any other
    for model in models:
        if not isinstance(model, Mapping):
            raise ValueError("model_breakdown holds what is no object")  # noqa: TRY004 - likewise
        yield {**_nothing(), **who, **_used(model), "row_kind": MODEL, "raw": {}}


def summed(rows: Iterable[Row]) -> Iterator[Row]:
    """Add rows of one key together, and round money once."""
    for row in added(rows, WHO, (*COUNTS, "estimated_cost")):
        cost = row["estimated_cost"]
        yield {**row, "estimated_cost": None if cost is None else stored(cost)}


def _nothing() -> Row:
    return dict.fromkeys((*COUNTS, "model", "estimated_cost", "currency"))


def _actor(record: Result) -> Row:
    actor = inside(record, "actor")
    kind = text_of(actor, "type")
    return {"actor_type": kind, "actor": text_of(actor, "email_address") or text_of(actor, "api_key_name")}


def _terminal(record: Result) -> Row:
    names = ("organization_id", "customer_type", "subscription_type", "terminal_type")
    remote = record.get("is_remote")
    if remote is not None and not isinstance(remote, bool):
        raise ValueError(f"is_remote is {type(remote).__name__}")
    return {name: text_of(record, name) for name in names} | {"is_remote": remote}


def _done(record: Result) -> Row:
    actions = [inside(record, "tool_actions", tool) for tool in inside(record, "tool_actions")]
    row: Row = {column: count_of(inside(record, *path[:-1]), path[-1]) for column, path in _DONE.items()}
    for answer in ("accepted", "rejected"):
        row[f"tool_actions_{answer}"] = sum(count_of(action, answer) or 0 for action in actions)
    return row


def _used(model: Result) -> Row:
    cost = inside(model, "estimated_cost")
    row: Row = {column: count_of(inside(model, *path[:-1]), path[-1]) for column, path in _TOKENS.items()}
    amount = cost.get("amount")
    row["estimated_cost"] = None if amount is None else from_cents(amount)
    row["currency"] = (text_of(cost, "currency") or "USD").upper()
    row["model"] = text_of(model, "model")
    return row


def _unknown(record: Result) -> dict[str, Any]:
    kept = {name: value for name, value in record.items() if name not in _KNOWN and value is not None}
    tools = record.get("tool_actions")
    return {**kept, "tool_actions": tools} if tools else kept
