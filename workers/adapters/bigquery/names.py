"""Names that the adapter makes: quoted paths, stages and jobs. Pure; every identifier is checked."""

from __future__ import annotations

import hashlib
import re
from uuid import UUID

from workers.model.table import identifier

_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{1,62}\Z")


def quoted(name: str) -> str:
    """Return a checked identifier in backticks."""
    return f"`{identifier(name)}`"


def dataset_path(project: str, dataset: str) -> str:
    """Return `project`.`dataset`; ValueError when either is not a name."""
    if not _PROJECT.match(project):
        raise ValueError(f"{project!r} is not a project id")
    return f"`{project}`.{quoted(dataset)}"


def sha256(*parts: object) -> str:
    """Return the SHA-256 of the parts as text, hexadecimal."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def digest(*parts: object) -> str:
    """Return 32 hexadecimal digits that stand for the parts: what a job id has room for."""
    return sha256(*parts)[:32]


def stage_name(table: str, run_id: UUID, key: str) -> str:
    """Name the table that holds the rows of one file of a run until they are published."""
    return identifier(f"__stg_{table}_{run_id.hex}_{key[:16]}")


def job_name(kind: str, run_id: UUID, key: str) -> str:
    """Name a job of a run."""
    return f"dp_{kind}_{run_id.hex}_{key}"
