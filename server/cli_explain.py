"""The command `pipelines explain`: why a run is not further, or whose problem its end is and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

import click
from datapipeline.v1 import pipelines_pb2
from rich.text import Text

from server import cli_output as output
from server.cli_answers import json_option, session_of

_RETRIES = {
    "NO": "a retry does not help",
    "NOW": "a retry can help now",
    "LATER": "a retry can help from that time on",
    "AFTER_FIX": "a retry helps once that is mended",
    "NEW_RUN": "a retry would end alike; start a new run",
}


@click.command()
@click.argument("run_id")
@json_option
@click.pass_context
def explain(context: click.Context, run_id: str, as_json: bool) -> None:
    """Say why a run is not further, or whose problem its end is, the most decisive reason first."""
    session = session_of(context, as_json=as_json)
    found = session.call("ExplainRun", pipelines_pb2.ExplainRunRequest(run_id=run_id))
    if as_json:
        output.json_line(found)
        return
    session.console.print(output.cell(f"{found.run_id} "), output.status(found.status), soft_wrap=True)
    for reason in found.reasons:
        for line in _lines(reason):
            session.console.print(line, soft_wrap=True)
    if found.HasField("lane"):
        session.console.print(output.cell(_standing(found.lane)), soft_wrap=True)


def _lines(reason: pipelines_pb2.Explanation) -> Iterator[Text]:
    whose = f" ({reason.owner})" if reason.owner else ""
    step = f" in {reason.step}" if reason.step else ""
    yield Text.assemble(output.status(reason.reason), output.cell(f"{step}{whose}: {reason.message}"))
    facts = {
        "until": output.moment(reason.until),
        "probably starts": output.moment(reason.forecast),
        "runs": " ".join(reason.run_ids),
        "do": reason.remedy,
        "at": reason.link,
        "retry": _RETRIES.get(reason.retry, reason.retry),
    }
    for name, fact in facts.items():
        if fact:
            yield Text.assemble(Text(f"  {name}: ", "dim"), output.cell(fact))


def _standing(lane: pipelines_pb2.LaneStanding) -> str:
    return (
        f"lane: {lane.ahead} before it, {lane.running} of at most {lane.cap} at work, weight {lane.weight:g}, "
        f"{lane.share:.0%} of all slots in use, {lane.lanes_ahead} organisations before it"
    )
