"""From start to stop: brings a composed replica up, keeps it serving, and takes it down as promised."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import NoReturn

import grpc
import structlog
from opentelemetry import trace

from server import grpc as wire
from server.admin import Admin
from server.app import guards, put_to_work, services
from server.engines import Engines, open_engines
from server.health import Health
from server.settings import Settings
from server.tracing import Tracing
from server.vitals import ESSENTIAL, Vitals
from server.watchdog import Watchdog
from workers.catalog.orgs import SERVES_FOR
from workers.runtime.pool import Pool
from workers.runtime.supervisor import settled

log = structlog.get_logger()

LEAVING_SECONDS = 2.0
LAME_DUCK = 0.75  # share of the grace in which callers may notice that nobody is taken on any more


async def serve(
    settings: Settings, stop: asyncio.Event, hurry: asyncio.Event, known: tuple[str, ...] = ()
) -> frozenset[str]:
    """Serve until `stop`, then drain; `hurry` cuts the draining short, leases are given back all the same.

    Returns the essential actors that were given up, which stops the service too. Raises StartupError with `known` and
    all other faults.
    """

    def given_up(name: str) -> None:
        if name in ESSENTIAL:
            log.error("essential actor down, stopping", actor=name)
            stop.set()

    async with open_engines(settings, known, given_up) as engines, _tracing(settings) as tracing:
        await _serve(settings, engines, tracing, stop, hurry)
        return engines.supervisor.down & ESSENTIAL


async def _serve(
    settings: Settings, engines: Engines, tracing: Tracing | None, stop: asyncio.Event, hurry: asyncio.Event
) -> None:
    watchdog, health, admin = Watchdog(), await Health.starting(wire.NAMES), Admin()
    vitals = Vitals(
        health,
        engines.journal,
        engines.clock,
        lambda: engines.directory.age() < SERVES_FOR,
        lambda: watchdog.sick,
        down=lambda: engines.supervisor.down,
    )
    table = wire.policies(reflection_for_root=settings.production)
    server = wire.build(services(settings, engines, vitals), health, guards(settings, engines, tracing), table)
    with watchdog.watching(asyncio.get_running_loop()):
        try:
            pool = await _start(settings, engines, vitals, server, admin)
            await stop.wait()
            await _drain(settings, engines, vitals, server, pool, hurry)
        finally:
            await admin.stop()
            # Actors end before what they work on is closed.
            await engines.supervisor.stop()


@asynccontextmanager
async def _tracing(settings: Settings) -> AsyncIterator[Tracing | None]:
    if settings.otlp_endpoint is None:
        yield None
        return
    tracing = Tracing(settings.otlp_endpoint, version("data-pipeline-service"), settings.environment)
    trace.set_tracer_provider(tracing.provider)
    try:
        yield tracing
    finally:
        # The loop must turn meanwhile: leases are kept and streams are ended on it.
        await asyncio.to_thread(tracing.close)


async def _start(
    settings: Settings, engines: Engines, vitals: Vitals, server: grpc.aio.Server, admin: Admin
) -> Pool | None:
    for pipeline in engines.catalog.pipelines.values():
        await engines.journal.declare(pipeline.config_hash, pipeline.source)
    taken = await engines.journal.recover(engines.worker)
    pool = put_to_work(settings, engines)
    engines.supervisor.add("vitals", vitals.run)
    port = wire.listen(server, settings.host, settings.grpc_port)
    await server.start()
    engines.supervisor.start()
    metrics_port = await admin.start(settings.metrics_host or settings.host, settings.metrics_port)
    log.info("serving", grpc_port=port, metrics_port=metrics_port, worker=engines.worker, recovered=taken)
    return pool


async def _drain(
    settings: Settings,
    engines: Engines,
    vitals: Vitals,
    server: grpc.aio.Server,
    pool: Pool | None,
    hurry: asyncio.Event,
) -> None:
    grace = settings.shutdown_grace_seconds
    log.info("stopping", grace=grace)
    await vitals.stop()

    async def lame_duck() -> None:
        try:
            async with asyncio.timeout(grace * LAME_DUCK):
                await hurry.wait()
        except TimeoutError:
            return

    released = engines.supervisor.spawn(pool.stop(grace, hurry)) if pool else None
    await lame_duck()
    await server.stop(0 if hurry.is_set() else grace * (1 - LAME_DUCK))
    given_back = await released if released else 0
    log.info("stopped", leases_given_back=given_back)


async def leave(flush: Callable[[], None], status: int, seconds: float = LEAVING_SECONDS) -> NoReturn:
    """Cancel whatever still runs, `flush` and exit.

    Neither a task that ignores its cancellation for so long nor a thread whose call hangs keeps the process.
    """
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await settled(left, seconds)
    flush()
    os._exit(status)
