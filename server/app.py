"""The composition root: wires the rooms to one another by constructor arguments; engines.py opens what they use."""

from __future__ import annotations

from importlib.metadata import version

from server import grpc as wire
from server.convert.tokens import PageTokens
from server.engines import Engines, new_id, roll
from server.interceptors.audit import Audit
from server.interceptors.auth import Auth
from server.interceptors.chain import Guard
from server.interceptors.deadline import Deadline
from server.interceptors.errors import errors
from server.interceptors.limits import Limits
from server.interceptors.trace import Trace
from server.interceptors.validation import validation
from server.services.health import HealthService
from server.services.pipelines import PipelineService
from server.services.procedures import ProcedureService
from server.services.scheduler import SchedulerService
from server.settings import Settings
from server.tracing import Tracing
from server.vitals import Vitals
from workers.catalog.credentials import Credentials
from workers.catalog.procedure_sync import ProcedureSync
from workers.runtime.alarm import Alarm
from workers.runtime.announcer import Announcer
from workers.runtime.courier import Courier
from workers.runtime.explain import Explain
from workers.runtime.firing import Firing
from workers.runtime.intake import Acceptance, Bounds
from workers.runtime.pool import Pool, PoolTerms
from workers.runtime.publisher import Publisher
from workers.runtime.runner import Runner
from workers.runtime.scheduler import Scheduler
from workers.runtime.stepping import Stepping
from workers.runtime.turns import Turns
from workers.runtime.upkeep import Caretaker
from workers.runtime.watch import Watch

SUFFIXES = {"development": "local", "staging": "stage", "production": "prod"}


def put_to_work(settings: Settings, engines: Engines) -> Pool | None:
    """Put the actors of this role under the supervisor; return the pool when the role works."""
    clock, supervisor = engines.clock, engines.supervisor
    supervisor.add("directory", engines.directory.run)
    supervisor.add("journal-bell", engines.journal.listen)
    supervisor.add("key-use", engines.key_use.run)
    if settings.role != "api":
        lanes = engines.catalog.plans.lanes
        Caretaker(
            engines.journal,
            lanes,
            clock,
            roll,
            reap_seconds=settings.reap_seconds,
            retention_days=settings.run_retention_days,
        ).start(supervisor)
        central, schemas = engines.warehouses.central(), engines.catalog.schemas
        Publisher(engines.journal, central, schemas, engines.directory, clock, roll, settings.publish_seconds).start(
            supervisor
        )
        _courier(settings, engines).start(supervisor)
    Alarm(supervisor, engines.journal, clock, engines.worker).start()
    if settings.role in {"all", "scheduler"}:
        _scheduler(settings, engines).start(supervisor)
    if settings.role not in {"all", "worker"}:
        return None
    terms = PoolTerms(engines.worker, settings.max_concurrent_runs, settings.lease_seconds, settings.heartbeat_seconds)
    pool = Pool(terms, engines.journal, _runner(settings, engines).run, supervisor, clock, roll)
    pool.start()
    return pool


def _runner(settings: Settings, engines: Engines) -> Runner:
    suffix = SUFFIXES[settings.environment]
    stepping = Stepping(
        engines.catalog,
        _credentials(engines),
        engines.warehouses,
        engines.reader,
        engines.journal,
        engines.clock,
        roll,
        engines.supervisor.shielded,
        engines.sources,
    )
    return Runner(
        engines.journal,
        engines.catalog,
        engines.directory,
        stepping,
        engines.supervisor,
        engines.clock,
        roll,
        lambda org: f"{org}_{suffix}",
    )


def _credentials(engines: Engines) -> Credentials:
    schemas, names = engines.catalog.schemas, engines.catalog.providers.names
    return Credentials(engines.warehouses.central(), engines.keys, schemas, names)


def _courier(settings: Settings, engines: Engines) -> Courier:
    journal, catalog = engines.journal, engines.catalog
    return Courier(
        Announcer(journal, journal, catalog),
        journal,
        journal,
        catalog.notifications,
        _credentials(engines),
        engines.notifiers,
        engines.clock,
        roll,
        settings.notify_org,
        settings.notify_seconds,
    )


def _acceptance(settings: Settings, engines: Engines) -> Acceptance:
    bounds = Bounds(settings.max_concurrent_runs_per_org, settings.max_waiting_runs_per_org, settings.api_service_url)
    return Acceptance(engines.catalog, engines.directory, engines.journal, engines.clock, new_id, bounds)


def _scheduler(settings: Settings, engines: Engines) -> Scheduler:
    journal = engines.journal
    firing = Firing(journal, journal, _acceptance(settings, engines), engines.catalog)
    return Scheduler(journal, journal, firing, engines.supervisor.spawn, engines.clock, roll)


def services(settings: Settings, engines: Engines, vitals: Vitals) -> wire.Services:
    """Make what answers each service of the contract."""
    journal, clock = engines.journal, engines.clock
    tokens = PageTokens(settings.token_key)
    pipelines = PipelineService(
        acceptance=_acceptance(settings, engines),
        journal=journal,
        timetable=journal,
        watch=Watch(journal, clock),
        explain=Explain(journal, engines.directory, engines.catalog, clock, settings.api_service_url),
        catalog=engines.catalog,
        tokens=tokens,
        clock=clock,
    )
    scheduler = SchedulerService(
        timetable=journal,
        catalog=engines.catalog,
        tokens=tokens,
        new_id=new_id,
        scheduler=_scheduler(settings, engines),
        queue=journal,
        directory=engines.directory,
        clock=clock,
    )
    health = HealthService(lambda: vitals.health.serving, version("data-pipeline-service"), settings.environment)
    syncing = ProcedureSync(engines.catalog.procedures, engines.warehouses.routines())
    procedures = ProcedureService(syncing, Turns(journal, clock))
    return wire.Services(pipelines, scheduler, procedures, health)


def guards(settings: Settings, engines: Engines, tracing: Tracing | None) -> list[Guard]:
    """Make the guards in their order, outermost first; why it is this one stands in interceptors/chain.py."""
    clock = engines.clock
    limits = Limits(
        clock.monotonic,
        per_org=settings.requests_per_minute,
        runs_per_org=settings.runs_per_minute,
        in_all=settings.global_requests_per_minute,
        enabled=settings.rate_limit_enabled,
    )
    tracer = tracing.provider.get_tracer("server") if tracing else None
    return [
        Trace(lambda: new_id().hex, clock.monotonic, tracer),
        errors,
        Deadline(),
        Auth(
            engines.directory,
            settings.root_key,
            clock.now,
            clock.monotonic,
            limits.stranger,
            settings.disable_auth,
            engines.key_use.note,
        ),
        limits,
        validation,
        Audit(engines.journal, clock.now, new_id, engines.supervisor.shielded),
    ]
