"""Repair: an append, flush or commit that fails has already moved the stream past its rows, which are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.grpc_api import write_servicer
from bqemulator.grpc_api.write_servicer import BigQueryWriteHandler
from bqemulator.streaming.write_stream import WriteStreamState, WriteStreamType

from sandbox.bigquery.patching import wrap

if TYPE_CHECKING:
    from collections.abc import Callable


def append_offsets() -> None:
    """Move the stream back when its rows did not reach the table, and answer the append with the error."""
    wrap(BigQueryWriteHandler, "_flush_to_target", _flush_or_move_back)
    wrap(BigQueryWriteHandler, "_perform_append", _append_or_tell)


def _flush_or_move_back(flush: Callable[..., None], handler: Any, stream: Any, rows: Any) -> None:
    try:
        flush(handler, stream, rows)
    except Exception:
        if stream.stream_type is WriteStreamType.BUFFERED:
            stream.flushed_rows -= rows.num_rows
        elif stream.stream_type is WriteStreamType.PENDING:
            stream.state, stream.buffer = WriteStreamState.FINALIZED, [rows]
        elif stream.stream_type is WriteStreamType.COMMITTED:
            stream.next_offset -= rows.num_rows
            stream.row_count -= rows.num_rows
        raise


def _append_or_tell(append: Callable[..., bytes], handler: Any, stream: Any, *args: Any) -> bytes:
    with stream.lock:
        try:
            return append(handler, stream, *args)
        except Exception as error:  # noqa: BLE001  whatever DuckDB refuses is an answer, not the end of the connection
            return write_servicer._error_response(stream.name, str(error))  # noqa: SLF001
