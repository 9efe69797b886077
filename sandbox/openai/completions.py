"""Generated completions: who called which model how often on a day, and the token counts of each bundle. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sandbox.openai.dice import Dice
from sandbox.openai.organisation import KEYS, MODELS, Key, Model
from sandbox.openai.records import DAY, Dimension, Record

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
    """Draw the token counts of so many requests; every sum of parts equals its whole.

    Uncached, cached and cache-write input add up to all input; each of cached, uncached and output adds up over its
    modalities.
    """
    text = requests * dice.between(150, 3_000)
    cached_text = text * dice.between(0, model.cached_percent) // 100
    written = (text - cached_text) * dice.between(0, 40) // 100 if model.cache_writes else 0
    audio, spoken = (requests * dice.between(40, 400), requests * dice.between(20, 300)) if model.audio else (0, 0)
    cached_audio = audio * dice.between(0, 20) // 100
    image = requests * dice.between(0, 250) if model.images else 0
    cached_image = image * dice.between(0, model.cached_percent) // 100
    said = requests * dice.between(40, 900)
    cached = cached_text + cached_audio + cached_image
    uncached = text + audio + image - cached - written
    counts = {
        "input_tokens": cached + written + uncached,
        "input_cached_tokens": cached,
        "input_cache_write_tokens": written,
        "input_uncached_tokens": uncached,
        "output_tokens": said + spoken,
        "input_text_tokens": text - cached_text - written,
        "output_text_tokens": said,
        "input_cached_text_tokens": cached_text,
        "input_audio_tokens": audio - cached_audio,
        "input_cached_audio_tokens": cached_audio,
        "output_audio_tokens": spoken,
        "input_image_tokens": image - cached_image,
        "input_cached_image_tokens": cached_image,
        "output_image_tokens": 0,
        "num_model_requests": requests,
    }
    # Newer than the published specification, and only where there is something to split.
    return {**counts, "input_cache_write_30m_tokens": written} if written else counts
