"""The console script as a person starts it, through the real edge."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from datapipeline.v1 import pipelines_pb2, run_pb2

from sandbox.edge import Edge
from tests.fakes.echo_service import EchoService, Hold
from tests.fakes.rest_client import RUN_ID

PIPELINES = Path(sys.executable).parent / "pipelines"


async def started(edge: Edge, *words: str) -> asyncio.subprocess.Process:
    env = {"PIPELINES_ENDPOINT": edge.rest, "PIPELINES_API_KEY": "acme_key", "PIPELINES_ORG": "acme"}
    return await asyncio.create_subprocess_exec(
        *(str(PIPELINES), *words),
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=heeding_ctrl_c,
    )


def heeding_ctrl_c() -> None:
    """Undo what a suite that runs in the background would hand on: it ignores the signal."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def test_a_run_is_started_and_followed(edge: Edge, echo: EchoService) -> None:
    echo.answers |= {
        "RunPipeline": pipelines_pb2.RunPipelineResponse(run_id=RUN_ID, status="PENDING"),
        "WatchRun": [run_pb2.RunEvent(sequence=1, type="TERMINAL", status="COMPLETED")],
    }
    process = await started(edge, "run", "openai/cost/usage_cost", "-p", "date=2026-11-01", "--follow", "--json")
    out, _ = await process.communicate()
    receipt, event = map(json.loads, out.splitlines())
    assert (receipt["run_id"], event["type"], process.returncode) == (RUN_ID, "TERMINAL", 0)
    assert echo.calls[0].request["parameters"] == {"date": "2026-11-01"}
    assert echo.calls[0].values("x-api-key") == ["acme_key"]


async def test_ctrl_c_stops_watching_and_says_how_to_go_on(edge: Edge, echo: EchoService) -> None:
    echo.answers["WatchRun"] = [run_pb2.RunEvent(sequence=4, type="STARTED"), Hold()]
    process = await started(edge, "watch", RUN_ID)
    await echo.waiting.wait()
    assert process.stdout is not None
    assert b"STARTED" in await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        _, err = await process.communicate()
    assert process.returncode == 130
    assert f"pipelines watch {RUN_ID} --after 4".encode() in err
