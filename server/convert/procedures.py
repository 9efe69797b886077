"""Stored procedures, their files and what became of them, as the contract shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from datapipeline.v1 import procedures_pb2

from server.convert.values import timestamp_of
from workers.catalog.procedure_sync import Outcome, Synced
from workers.model.routine import Argument, Procedure, Routine


def procedure_message(routine: Routine, file: Procedure | None) -> procedures_pb2.Procedure:
    """Return a procedure beside its file, which it may not have."""
    return procedures_pb2.Procedure(
        name=routine.name,
        domain=file.domain if file else "",
        definition=routine.definition,
        content_sha256=routine.sha256,
        updated_at=timestamp_of(routine.modified),
        created_at=timestamp_of(routine.created),
        in_sync=file is not None and routine.sha256 == file.sha256,
        arguments=_arguments(routine.arguments),
    )


def file_message(file: Procedure) -> procedures_pb2.ProcedureFile:
    """Return a file that can be synced."""
    return procedures_pb2.ProcedureFile(
        name=file.name,
        domain=file.domain,
        content_sha256=file.sha256,
        path=file.path,
        arguments=_arguments(file.arguments),
        calls=sorted(file.calls),
    )


def sync_message(synced: Sequence[Synced]) -> procedures_pb2.SyncProceduresResponse:
    """Return every outcome, and how many there are of each kind."""
    counts = Counter(one.outcome for one in synced)
    return procedures_pb2.SyncProceduresResponse(
        outcomes=[_outcome(one) for one in synced],
        created=counts[Outcome.CREATED],
        updated=counts[Outcome.UPDATED],
        unchanged=counts[Outcome.UNCHANGED],
        failed=counts[Outcome.FAILED],
    )


def _outcome(synced: Synced) -> procedures_pb2.ProcedureOutcome:
    return procedures_pb2.ProcedureOutcome(
        name=synced.procedure.name,
        domain=synced.procedure.domain,
        outcome=synced.outcome.value,
        reason=synced.failure.reason.value if synced.failure else "",
        message=synced.failure.message if synced.failure else "",
        content_sha256=synced.procedure.sha256,
    )


def _arguments(arguments: Iterable[Argument]) -> list[procedures_pb2.ProcedureArgument]:
    return [procedures_pb2.ProcedureArgument(name=one.name, type=one.type) for one in arguments]
