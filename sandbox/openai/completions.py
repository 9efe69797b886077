"""Generated completions: who called which model how often on a day, and the token counts of each bundle. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sandbox.dice import Dice
from sandbox.openai.organisation import KEYS, MODELS, Key, Model
from sandbox.records import DAY, Dimension, Record

_BUSY = (100, 110, 105, 100, 90, 35, 30)  # Monday to Sunday


def completion_records(seed: int, day: date) -> Iterator[Record]:
    """Give the day's records of every key, model and way of calling it."""
    for key in KEYS:
        for model in _habit(seed, key):
            dice = Dice(seed, "completions", day, key.id, model.name)
            for batch, tier in _ways(dice, model):
                called: dict[str, Dimension] = {"model": model.name, "batch": batch, "service_tier": tier}
                yield from _bundles(dice, model, day, {**key.dimensions, **called})


def _habit(seed: int, key: Key) -> list[Model]:
    """Choose the models a key uses, the same every day; voice keys speak."""
    dice = Dice(seed, "habit", key.id)
    chosen = [model for model in MODELS if not model.audio and dice.below(5) < 2]  # noqa: PLR2004 - two in five
    spoken = [model for model in MODELS if model.audio and key.project == "proj_voice"]
    return [*chosen, *spoken] or [MODELS[0]]


def _ways(dice: Dice, model: Model) -> Iterator[tuple[bool, str]]:
    if not dice.one_in(6):
        yield False, "default"
    if model.batch and dice.one_in(3):
        yield True, "default"
    for tier in model.tiers:
        if dice.one_in(3):
            yield False, tier


def _bundles(dice: Dice, model: Model, day: date, dimensions: dict[str, Dimension]) -> Iterator[Record]:
    for _ in range(dice.between(1, 3)):
        requests = max(1, dice.between(4, 400) * _BUSY[day.weekday()] // 100)
        yield Record(dice.below(DAY), dimensions, completion_counts(dice, model, requests))


def completion_counts(dice: Dice, model: Model, requests: int) -> dict[str, int]:
    """Draw the token counts of so many requests; every sum of parts equals its whole."""
    text = requests * dice.between(150, 3_000)
    cached_text = text * dice.between(0, model.cached_percent) // 100
    written = (text - cached_text) * dice.between(0, 40) // 100 if model.cache_writes else 0
    audio, spoken = (requests * dice.between(40, 400), requests * dice.between(20, 300)) if model.audio else (0, 0)
    cached_audio = audio * dice.between(0, 20) // 100
    image = requests * dice.between(0, 250) if model.images else 0
    cached_image = image * dice.between(0, model.cached_percent) // 100
    uncached = {"text": text - cached_text - written, "audio": audio - cached_audio, "image": image - cached_image}
    cached = {"text": cached_text, "audio": cached_audio, "image": cached_image}
    output = {"text": requests * dice.between(40, 900), "audio": spoken, "image": 0}
    # The split of cache writes is newer than the published specification: only where there is something to split.
    newer = {"input_cache_write_30m_tokens": written} if written else {}
    return {**_token_counts(uncached, cached, output, written), "num_model_requests": requests, **newer}


def _token_counts(
    uncached: dict[str, int], cached: dict[str, int], output: dict[str, int], written: int
) -> dict[str, int]:
    """Name the parts by modality, and the wholes they add up to."""
    return {
        "input_tokens": sum(uncached.values()) + sum(cached.values()) + written,
        "input_cached_tokens": sum(cached.values()),
        "input_cache_write_tokens": written,
        "input_uncached_tokens": sum(uncached.values()),
        "output_tokens": sum(output.values()),
        **{f"input_{kind}_tokens": count for kind, count in uncached.items()},
        **{f"input_cached_{kind}_tokens": count for kind, count in cached.items()},
        **{f"output_{kind}_tokens": count for kind, count in output.items()},
    }
