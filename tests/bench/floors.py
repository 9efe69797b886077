"""What the same machine gives at the same time to something that does only one thing: the floors of figures.

`python -m tests.bench.floors` serves the bare echo: it decodes a request to run a pipeline and answers like a receipt.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import psutil
import uvloop
from datapipeline.v1 import pipelines_pb2

from tests.bench.callers import RUN_PIPELINE, Asked, Load, load

ROW_BYTES = """
SELECT (avg(pg_column_size(r)) + avg(pg_column_size(q)) + avg(pg_column_size(s)) + avg(pg_column_size(e)))::integer
FROM (SELECT * FROM run LIMIT 1000) r, (SELECT * FROM queue LIMIT 1) q, (SELECT * FROM step LIMIT 1) s,
    (SELECT * FROM event LIMIT 1) e
"""


async def echo(tool: Path | None, asked: Sequence[Asked], callers: int) -> tuple[Load, float]:
    """Measure a bare grpc.aio server with the same requests from the same client; return its CPU seconds, too."""
    async with _echoing() as (address, process):
        await load(tool, address, asked[: len(asked) // 10], callers)
        before = sum(process.cpu_times()[:2])
        seen = await load(tool, address, asked, callers)
        return seen, sum(process.cpu_times()[:2]) - before


@asynccontextmanager
async def _echoing() -> AsyncIterator[tuple[str, psutil.Process]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.floors", stdout=subprocess.PIPE, process_group=0
    )
    try:
        port = (await process.stdout.readline()).decode().strip() if process.stdout else ""
        yield f"127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


async def inserts(url: str, rows: int, at_once: int) -> tuple[float, int]:
    """Measure rows a second that asyncpg inserts in batches, one commit each; return the bytes of one, too.

    A row is as large as what accepting a run writes in all.
    """
    connection = await asyncpg.connect(url)
    try:
        size: int = await connection.fetchval(ROW_BYTES)
        await connection.execute("CREATE TABLE floor (number bigint PRIMARY KEY, body text NOT NULL)")
        began = time.perf_counter()
        for start in range(0, rows, at_once):
            numbers = list(range(start, start + at_once))
            bodies = [f"{number:0{size}}" for number in numbers]
            await connection.execute(
                "INSERT INTO floor SELECT * FROM unnest($1::bigint[], $2::text[])", numbers, bodies
            )
        took = time.perf_counter() - began
        await connection.execute("DROP TABLE floor")
    finally:
        await connection.close()
    return rows / took, size


async def _serve() -> None:
    receipt = pipelines_pb2.RunPipelineResponse(
        run_id="0" * 36,
        pipeline_logging_id="0" * 36,
        pipeline_id="acme-example-smoke-nothing",
        org_slug="acme",
        status="PENDING",
        message="accepted",
    )

    async def answer(_request: pipelines_pb2.RunPipelineRequest, _context: object) -> pipelines_pb2.RunPipelineResponse:
        return receipt

    handler: Any = grpc.unary_unary_rpc_method_handler(
        answer, pipelines_pb2.RunPipelineRequest.FromString, pipelines_pb2.RunPipelineResponse.SerializeToString
    )
    service, method = RUN_PIPELINE.strip("/").split("/")
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_serve())
