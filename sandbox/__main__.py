"""`python -m sandbox run` keeps the stack serving; `python -m sandbox demo` does the main job once and ends."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import signal
import sys
import time
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from sandbox.demo import Demo, DemoFailedError
from sandbox.stack import AlreadyRunningError, NotStartedError, Options, Stack, running
from server.settings import Settings, SettingsError

INTERRUPTED = 130

console = Console()


def _options(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Options:
    settings = Settings.parse({**environ, "JOURNAL_URL": "postgresql://sandbox@127.0.0.1/postgres"})
    ports = (0, 0, 0) if arguments.free_ports else (settings.port, settings.grpc_port, settings.metrics_port)
    orgs = ("acme", *(f"org_{number:03}" for number in range(1, arguments.orgs)))
    return Options(Path(settings.data_dir).resolve(), *ports, orgs, environ)


def _hints(stack: Stack) -> str:
    found = stack.manifest()
    key, org = found["orgs"][0]["api_key"], found["orgs"][0]["slug"]
    edge = found["rest"].removeprefix("http://")
    exports = "\n".join(f"  export {name}={shlex.quote(value)}" for name, value in stack.chosen.items())
    return f"""
ready: REST and gRPC on {found["rest"]}, metrics on {found["metrics"]}, all of it in {stack.manifest_path}

  curl -s -X POST {found["rest"]}/api/v1/pipelines/run/{org}/openai/cost/usage_cost -H 'X-API-Key: {key}' -d '{{}}'
  curl -s {found["rest"]}/api/v1/pipelines/runs -H 'X-API-Key: {key}'
  .venv/bin/grpcurl -plaintext -H 'x-api-key: {key}' {edge} datapipeline.v1.PipelineService/ListPipelines
  export PIPELINES_ENDPOINT={found["rest"]} PIPELINES_API_KEY={key}
  .venv/bin/pipelines run openai/cost/usage_cost --org {org} --follow

the service alone (.venv/bin/python -m server) wants:
{exports}

Ctrl-C stops everything."""


async def _run(options: Options) -> int:
    async with running(options) as stack:
        print(_hints(stack), flush=True)
        await asyncio.Event().wait()
    return 0


async def _demo(options: Options) -> int:
    began = time.monotonic()
    console.print("starting Postgres, the BigQuery emulator, the simulated providers, the service and Envoy")
    async with running(options) as stack:
        console.print(f"ready after {time.monotonic() - began:.1f} s at {stack.edge.rest}")
        found = stack.manifest()
        org = found["orgs"][0]
        try:
            await Demo(found["rest"], found["bigquery"], org["slug"], org["api_key"], console).run()
        except DemoFailedError as error:
            console.print(f"the demo fell short: {error}", style="red")
            return 1
    console.print(f"done in {time.monotonic() - began:.1f} s; `make run` keeps the same stack serving")
    return 0


async def _stoppable(work: Coroutine[Any, Any, int]) -> int:
    """Await the work; the first signal cancels it, and everything is stopped in order whatever is sent then."""
    task, loop = asyncio.create_task(work), asyncio.get_running_loop()

    def stop() -> None:
        if not task.cancelling():
            print("stopping", flush=True)
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    await asyncio.wait({task})
    return INTERRUPTED if task.cancelled() else task.result()


def main() -> int:
    """Run the command line; Ctrl-C is how `run` ends well."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("what", choices=("run", "demo"))
    parser.add_argument("--free-ports", action="store_true", help="take any free ports instead of 8001, 50051 and 9090")
    parser.add_argument("--orgs", type=int, default=1, help="how many organisations to seed")
    arguments = parser.parse_args()
    try:
        # Nobody is left to be drained when the demo has ended.
        quick = {"SHUTDOWN_GRACE_SECONDS": "1"} if arguments.what == "demo" else {}
        options = _options(arguments, quick | os.environ)
        status = asyncio.run(_stoppable(_run(options) if arguments.what == "run" else _demo(options)))
    except (AlreadyRunningError, NotStartedError, SettingsError, OSError) as error:
        print(f"the sandbox did not start: {error}", file=sys.stderr)
        return 1
    return 0 if arguments.what == "run" and status == INTERRUPTED else status


if __name__ == "__main__":
    sys.exit(main())
