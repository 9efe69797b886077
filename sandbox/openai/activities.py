"""Generated usage of everything but completions: one small drawing per endpoint. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import attrs

from sandbox.dice import Dice
from sandbox.openai import organisation
from sandbox.openai.organisation import KEYS, Key
from sandbox.records import DAY, Dimension, Record

_EPOCH = date(2024, 1, 1)
_SATURDAY = 5

Draw = Callable[[Dice, int], dict[str, int]]


@attrs.frozen
class Activity:
    """Who does it, with which further dimensions to choose from, and what one bundle of requests counts."""

    projects: tuple[str, ...]
    choices: dict[str, tuple[str, ...]]
    counts: Draw
    weekends: bool = True


ACTIVITIES = {
    "embeddings": Activity(
        ("proj_support", "proj_research"),
        {"model": organisation.EMBEDDING_MODELS},
        lambda dice, n: {"input_tokens": n * dice.between(60, 900), "num_model_requests": n},
    ),
    "moderations": Activity(
        ("proj_storefront",),
        {"model": organisation.MODERATION_MODELS},
        lambda dice, n: {"input_tokens": n * dice.between(20, 200), "num_model_requests": n},
    ),
    "images": Activity(
        ("proj_storefront",),
        {
            "model": organisation.IMAGE_MODELS,
            "size": ("1024x1024", "1024x1792", "512x512"),
            "source": ("image.generation", "image.edit"),
        },
        lambda dice, n: {"images": n * dice.between(1, 4), "num_model_requests": n},
        weekends=False,
    ),
    "audio_speeches": Activity(
        ("proj_voice",),
        {"model": organisation.SPEECH_MODELS},
        lambda dice, n: {"characters": n * dice.between(30, 600), "num_model_requests": n},
        weekends=False,
    ),
    "audio_transcriptions": Activity(
        ("proj_voice", "proj_support"),
        {"model": organisation.TRANSCRIPTION_MODELS},
        lambda dice, n: {"seconds": n * dice.between(5, 240), "num_model_requests": n},
        weekends=False,
    ),
    "file_search_calls": Activity(
        ("proj_support",),
        {"vector_store_id": organisation.VECTOR_STORES},
        lambda _, n: {"num_requests": n},
    ),
    "web_search_calls": Activity(
        ("proj_research", "proj_support"),
        {"model": organisation.SEARCH_MODELS, "context_level": ("low", "medium", "high")},
        lambda dice, n: {"num_model_requests": n, "num_requests": n * dice.between(1, 3)},
    ),
}


def activity_records(seed: int, endpoint: str, day: date) -> Iterator[Record]:
    """Give the day's records of an endpoint in ACTIVITIES."""
    activity = ACTIVITIES[endpoint]
    if day.weekday() >= _SATURDAY and not activity.weekends:
        return
    for key in KEYS:
        if key.project in activity.projects:
            yield from _of_key(Dice(seed, endpoint, day, key.id), key, activity)


def _of_key(dice: Dice, key: Key, activity: Activity) -> Iterator[Record]:
    for _ in range(dice.between(0, 3)):
        chosen = {name: dice.pick(choices) for name, choices in activity.choices.items()}
        dimensions: dict[str, Dimension] = {**key.dimensions, **chosen}
        yield Record(dice.below(DAY), dimensions, activity.counts(dice, dice.between(1, 60)))


def vector_store_records(seed: int, day: date) -> Iterator[Record]:
    """Give what is stored on a day: it grows, and is counted once a day and project."""
    for project in ("proj_support", "proj_research"):
        grown = Dice(seed, "vector_stores", project).between(1, 9) * 1_000_000 * max((day - _EPOCH).days, 0)
        if grown:
            yield Record(0, {"project_id": project}, {"usage_bytes": grown})


def session_records(seed: int, day: date) -> Iterator[Record]:
    """Give the code interpreter sessions of a day."""
    dice = Dice(seed, "code_interpreter_sessions", day)
    for _ in range(dice.between(0, 3)):
        yield Record(dice.below(DAY), {"project_id": "proj_research"}, {"num_sessions": dice.between(1, 20)})
