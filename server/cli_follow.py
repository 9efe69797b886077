"""A run followed to its end: given a session and a run, hands on the exit status its outcome means."""

from __future__ import annotations

import click
import grpc
from datapipeline.v1 import run_pb2

from server import cli_output as output
from server.cli_connection import Session
from server.cli_errors import CANCELLED, FAILED, refusal
from server.cli_progress import Display, display
from server.cli_watch import Watch

INTERRUPTED = 130
_OUTCOMES = {"COMPLETED": 0, "CANCELLED": CANCELLED}


def followed(session: Session, run_id: str, *, as_json: bool, after: int = 0) -> int:
    """Show every event until the last and return the exit status; RefusedError when the run cannot be followed."""
    shown = display(session.console, as_json=as_json)
    watch = Watch(session.watch, run_id, session.pause, shown.lost, after)
    shown.start()
    try:
        last = _last(watch, shown)
    except grpc.RpcError as error:
        raise refusal(error, str(session.endpoint)) from None
    except KeyboardInterrupt:
        click.echo(f"\nno longer watching; `pipelines watch {run_id} --after {watch.after}` goes on", err=True)
        return INTERRUPTED
    finally:
        shown.stop()
    if not as_json:
        session.console.print(output.status(last.status), output.cell(output.failure(last.error)))
    return _OUTCOMES.get(last.status, FAILED)


def _last(watch: Watch, shown: Display) -> run_pb2.RunEvent:
    last = run_pb2.RunEvent()
    for last in watch.events():
        shown.show(last)
    return last
