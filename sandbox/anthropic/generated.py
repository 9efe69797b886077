"""A source that makes its records up: the same day gives the same records, for every day. Given a seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from sandbox.anthropic.organisation import KEYS, MODELS, ORGANISATION, PEOPLE, TERMINALS, Key, Model
from sandbox.anthropic.tariff import code_execution, cost_records
from sandbox.dice import Dice
from sandbox.records import DAY, Record

_BUSY = (100, 110, 105, 100, 90, 35, 30)  # Monday to Sunday
_QUIET = 24  # nobody calls anything about one day in so many
_REMEMBERED = 512


class Generated:
    """Records of an invented organisation, drawn from a seed and the day alone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._days: dict[tuple[str, date], Sequence[Record]] = {}

    def records(self, endpoint: str, day: date) -> Sequence[Record]:
        """Return the day's records, ordered by second."""
        key = (endpoint, day)
        if key not in self._days:
            if len(self._days) >= _REMEMBERED:
                self._days.clear()
            self._days[key] = tuple(sorted(self._draw(endpoint, day), key=lambda record: record.second))
        return self._days[key]

    def _draw(self, endpoint: str, day: date) -> Iterable[Record]:
        match endpoint:
            case "cost_report":
                return self._costs(day)
            case "claude_code":
                return claude_code_records(self._seed, day)
            case _:
                return () if Dice(self._seed, "rest", day).one_in(_QUIET) else usage_records(self._seed, day)

    def _costs(self, day: date) -> Iterator[Record]:
        for usage in self.records("messages", day):
            yield from cost_records(usage)
        dice = Dice(self._seed, "code execution", day)
        if dice.one_in(2):
            yield code_execution(dice.below(DAY), dice.between(1, 40))


def usage_records(seed: int, day: date) -> Iterator[Record]:
    """Give the day's records of every key, model and way of calling it."""
    for place, key in enumerate(KEYS):
        for model in _habit(seed, key, place):
            dice = Dice(seed, "messages", day, key.id, model.name)
            for tier in model.tiers:
                if tier == "standard" or dice.one_in(2):
                    yield from _bundles(dice, key, model, tier, day)


def _habit(seed: int, key: Key, place: int) -> list[Model]:
    """Choose the models a key uses, the same every day; every model is used by somebody."""
    dice, own = Dice(seed, "habit", key.id), MODELS[place % len(MODELS)]
    return [model for model in MODELS if dice.one_in(4) or model is own]


def _bundles(dice: Dice, key: Key, model: Model, tier: str, day: date) -> Iterator[Record]:
    for _ in range(dice.between(1, 2)):
        window = "200k-1M" if model.large and dice.one_in(3) else "0-200k"
        called = {
            "model": model.name,
            "service_tier": tier,
            "context_window": window,
            "inference_geo": dice.pick(model.geos),
            "speed": "standard",
        }
        requests = max(1, dice.between(4, 300) * _BUSY[day.weekday()] // 100)
        counts = _counts(dice, model, requests, tokens=250_000 if window == "200k-1M" else 2_500)
        yield Record(dice.below(DAY), {**key.dimensions, **called}, counts)


def _counts(dice: Dice, model: Model, requests: int, tokens: int) -> dict[str, int]:
    read = requests * dice.between(0, tokens)
    return {
        "uncached_input_tokens": requests * dice.between(tokens // 20, tokens),
        "ephemeral_5m_input_tokens": read // dice.between(3, 9),
        "ephemeral_1h_input_tokens": read // 20 if dice.one_in(3) else 0,
        "cache_read_input_tokens": read,
        "output_tokens": requests * dice.between(40, 900),
        "web_search_requests": dice.between(0, requests // 4) if model.searches else 0,
        "requests": requests,
    }


def claude_code_records(seed: int, day: date) -> Iterator[Record]:
    """Give what each person did with Claude Code on a day; the record stands in the extras, as the report gives it."""
    for person in PEOPLE:
        dice = Dice(seed, "claude_code", day, person)
        for remote in (False, True):
            if not remote or dice.one_in(4):
                yield Record(0, {}, {}, _record(dice, day, person, remote=remote))


def _record(dice: Dice, day: date, person: str, *, remote: bool) -> dict[str, Any]:
    tools = ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")
    return {
        "date": f"{day.isoformat()}T00:00:00Z",
        "actor": {"type": "user_actor", "email_address": person},
        "organization_id": ORGANISATION,
        "customer_type": "api",
        "subscription_type": None,
        "terminal_type": dice.pick(TERMINALS),
        "is_remote": remote,
        "core_metrics": {
            "num_sessions": dice.between(1, 9),
            "lines_of_code": {"added": dice.between(0, 900), "removed": dice.between(0, 400)},
            "commits_by_claude_code": dice.between(0, 8),
            "pull_requests_by_claude_code": dice.between(0, 3),
        },
        "tool_actions": {tool: {"accepted": dice.between(0, 30), "rejected": dice.between(0, 5)} for tool in tools},
        "model_breakdown": [_used(dice, model) for model in MODELS[:2]],
    }


def _used(dice: Dice, model: Model) -> dict[str, Any]:
    names = ("input", "output", "cache_read", "cache_creation")
    tokens = {name: dice.between(100, 60_000) for name in names}
    cents = (tokens["input"] * 5 + tokens["output"] * 25) / 10_000
    return {"model": model.name, "tokens": tokens, "estimated_cost": {"amount": cents, "currency": "USD"}}
