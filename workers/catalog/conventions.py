"""The platform's naming conventions. A file that does not follow them works; it is told so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.catalog.faults import Fault
from workers.model.pipeline import Destination, Pipeline

_ACTIONS = ("extract_", "transform_", "load_", "validate_", "notify_", "decrypt_")
_KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_TABLE = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+_(?:hourly|daily|monthly)(?:_(?:raw|staging))?\Z")


def convention_faults(pipeline: Pipeline, dataset_types: frozenset[str]) -> Iterator[Fault]:
    """Yield where names differ from the conventions, with paths in the pipeline's file."""
    plain = pipeline.declared_id.replace("{org_slug}", "org")
    # What is called by its path has the names of its folders and its file, which may hold underscores.
    by_path = "-".join(filter(None, ("org", pipeline.provider, pipeline.domain, pipeline.pipeline)))
    if plain and plain != by_path and not _KEBAB.match(plain):
        yield Fault(("pipeline_id",), f"pipeline ids are kebab-case: {pipeline.declared_id}")
    for index, step in enumerate(pipeline.steps):
        if not step.step_id.startswith(_ACTIONS):
            yield Fault(("steps", index), f"step ids begin with one of {', '.join(_ACTIONS)}: {step.step_id}")
        if step.destination:
            yield from _destination_faults(step.destination, ("steps", index), dataset_types)


def _destination_faults(target: Destination, at: tuple[str | int, ...], known: frozenset[str]) -> Iterator[Fault]:
    if "{" not in target.table and not _TABLE.match(target.table):
        yield Fault(at, f"tables are called {{provider}}_{{domain}}_{{granularity}}_{{state}}: {target.table}")
    if target.dataset_type and target.dataset_type not in known:
        yield Fault(at, f"dataset type {target.dataset_type!r} is not declared; rows go to the organisation's dataset")
