"""From start to stop: brings a composed replica up, keeps it serving, and takes it down as promised."""

from __future__ import annotations

import asyncio
from importlib.metadata import version

import grpc
import structlog
from opentelemetry import trace

from server import grpc as wire
from server.admin import Admin
from server.app import Engines, guards, open_engines, put_to_work, services
from server.health import Health
from server.settings import Settings
from server.tracing import Tracing
from server.vitals import Vitals
from server.watchdog import Watchdog
from workers.catalog.orgs import SERVES_FOR
from workers.runtime.pool import Pool

log = structlog.get_logger()

LAME_DUCK = 0.75  # share of the grace in which callers may notice that nobody is taken on any more


async def serve(settings: Settings, stop: asyncio.Event, hurry: asyncio.Event) -> None:
    """Serve until `stop`, then drain; `hurry` cuts the draining short, leases are given back all the same."""
    tracing = _tracing(settings)
    watchdog = Watchdog()
    async with open_engines(settings) as engines:
        with watchdog.watching(asyncio.get_running_loop()):
            health = Health(wire.NAMES)
            vitals = Vitals(
                health,
                engines.journal,
                engines.clock,
                lambda: engines.directory.age() < SERVES_FOR,
                lambda: watchdog.sick,
            )
            table = wire.policies(reflection_for_root=settings.production)
            server = wire.build(services(settings, engines, vitals), health, guards(settings, engines, tracing), table)
            admin = Admin()
            try:
                pool = await _start(settings, engines, vitals, server, admin)
                await stop.wait()
                await _drain(settings, engines, vitals, server, pool, hurry)
            finally:
                await admin.stop()
    if tracing:
        tracing.close()


def _tracing(settings: Settings) -> Tracing | None:
    if settings.otlp_endpoint is None:
        return None
    tracing = Tracing(settings.otlp_endpoint, version("data-pipeline-service"), settings.environment)
    trace.set_tracer_provider(tracing.provider)
    return tracing


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
    metrics_port = await admin.start(settings.host, settings.metrics_port)
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
