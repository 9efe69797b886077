"""What a pipeline's file may refer to; which files it names, and the hash that pins a run to all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from attrs import frozen

from workers.catalog.processors import Engines
from workers.catalog.schemas import SchemaFiles
from workers.catalog.tree import Tree
from workers.model.pipeline import Pipeline, Step

_FILES = (".sql", ".json", ".csv")


@frozen
class Surroundings:
    """What a pipeline's file may refer to.

    `knows` says whether a provider is registered; `allowed` are `host:port` it may reach beyond public https names.
    """

    tree: Tree
    schemas: SchemaFiles
    engines: Engines
    canonical: Callable[[str], str]
    knows: Callable[[str], bool]
    dataset_types: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()


def named_files(
    step: Step, texts: Iterable[str], pipeline: Pipeline, around: Surroundings
) -> tuple[set[str], set[str]]:
    """Return the files that a step names, by path or by the table they declare, and those that are not there."""
    files = {text: around.tree.find(text) for text in texts if text.endswith(_FILES)}
    tables = [*texts]
    if step.destination:
        tables.append(step.destination.table)
        if schema := step.destination.schema_file:
            folder = "/".join(part for part in (pipeline.provider, pipeline.domain) if part)
            files[schema] = around.tree.find(schema, folder)
    files |= {one.sql_file: around.tree.find(one.sql_file) for one in step.dq if one.sql_file}
    found = {path for path in map(around.schemas.path, tables) if path} | {path for path in files.values() if path}
    return found, {text for text, path in files.items() if not path}


def pinned(source: str, files: Iterable[str], tree: Tree) -> str:
    """SHA-256 over the YAML text and over each file it names, in the order of their paths."""
    digest = hashlib.sha256(source.encode())
    for path in sorted(files):
        digest.update(b"\x00" + path.encode() + b"\x00" + hashlib.sha256(tree.contents[path]).digest())
    return digest.hexdigest()
