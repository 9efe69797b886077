"""The composition root: opens the engines and wires the rooms to one another by constructor arguments."""

from __future__ import annotations

import random  # noqa: TID251 - chance enters here
import resource
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from uuid import UUID

import structlog
from attrs import frozen

from server import grpc as wire
from server.clock import SystemClock
from server.convert.tokens import PageTokens
from server.failpoints import arm
from server.instance import instance
from server.interceptors.audit import Audit
from server.interceptors.auth import Auth
from server.interceptors.chain import Guard
from server.interceptors.deadline import Deadline
from server.interceptors.errors import errors
from server.interceptors.limits import Limits
from server.interceptors.trace import Trace
from server.interceptors.validation import validation
from server.production import settings_faults
from server.services.health import HealthService
from server.services.pipelines import PipelineService
from server.services.procedures import ProcedureService
from server.services.scheduler import SchedulerService
from server.settings import Settings
from server.startup import (
    Check,
    StartupError,
    clock_faults,
    keys_faults,
    offset_faults,
    require,
    spool_faults,
)
from server.tracing import Tracing
from server.vitals import Vitals
from workers.adapters.bigquery import STATEMENTS, BigQueryWarehouses, connect
from workers.adapters.journal import PostgresJournal, migrate, unsoundness
from workers.adapters.kms import CloudKms, LocalKms
from workers.catalog import Catalog
from workers.catalog.credentials import Credentials
from workers.catalog.orgs import Directory
from workers.ports import Failpoint, Keys
from workers.rest import Egress, RestReader
from workers.runtime.explain import Explain
from workers.runtime.intake import Acceptance, Bounds
from workers.runtime.pool import Pool, PoolTerms
from workers.runtime.publisher import Publisher
from workers.runtime.runner import Runner
from workers.runtime.stepping import Stepping
from workers.runtime.supervisor import Supervisor
from workers.runtime.upkeep import Caretaker
from workers.runtime.watch import Watch

log = structlog.get_logger()

CONFIGS = Path(__file__).parent.parent / "configs"
SUFFIXES = {"development": "local", "staging": "stage", "production": "prod"}
THREADS = 16

roll = random.SystemRandom().random


@frozen
class Engines:
    """Everything outside the process, opened."""

    catalog: Catalog
    journal: PostgresJournal
    warehouses: BigQueryWarehouses
    keys: Keys
    reader: RestReader
    directory: Directory
    supervisor: Supervisor
    clock: SystemClock
    worker: str


@asynccontextmanager
async def open_engines(settings: Settings) -> AsyncIterator[Engines]:
    """Open what a replica needs, check that it is sound, and close it in the opposite order.

    Raises StartupError with all that is wrong, ConfigError with all faults of configs/.
    """
    clock, failpoint = SystemClock(), arm(settings.failpoints)
    catalog = Catalog.load(CONFIGS, base_urls=settings.provider_urls, egress_allow=frozenset(settings.egress_allow))
    for warning in catalog.warnings:
        log.info("unusual declaration", warning=str(warning))
    _require_settings(settings, clock)
    async with AsyncExitStack() as stack:
        worker = stack.enter_context(instance(settings.data_dir / "instances", new_id))
        supervisor = Supervisor(clock, roll)
        stack.push_async_callback(supervisor.stop)
        url = _journal_url(settings)
        await migrate(url)
        journal = await stack.enter_async_context(_journal(settings, url, supervisor, failpoint))
        keys = await _keys(settings, stack)
        await require(_checks(settings, journal, keys, url, clock))
        warehouses = await stack.enter_async_context(_warehouses(settings, catalog, worker, clock, failpoint))
        reader = RestReader(Egress.parse(",".join(settings.egress_allow)), clock, roll)
        stack.callback(reader.close)
        names = catalog.providers.canonical
        directory = Directory(warehouses.central(), catalog.schemas, catalog.plans, clock, roll, names)
        yield Engines(catalog, journal, warehouses, keys, reader, directory, supervisor, clock, worker)


def _journal(
    settings: Settings, url: str, supervisor: Supervisor, failpoint: Failpoint
) -> AbstractAsyncContextManager[PostgresJournal]:
    return PostgresJournal.open(
        url,
        spawn=supervisor.spawn,
        roll=roll,
        lease_seconds=settings.lease_seconds,
        waiting_limit_total=settings.max_waiting_runs,
        failpoint=failpoint,
    )


def _warehouses(
    settings: Settings, catalog: Catalog, worker: str, clock: SystemClock, failpoint: Failpoint
) -> BigQueryWarehouses:
    project, location = settings.gcp_project_id, settings.bigquery_location
    client = connect(project, location, endpoint=settings.bigquery_emulator_host or "", connections=THREADS)
    return BigQueryWarehouses(
        client,
        ledger=catalog.schemas.table("__load_ledger"),
        sql={name: catalog.schemas.sql(f"system/sql/{name}.sql") for name in STATEMENTS},
        spool_dir=settings.data_dir / "spool" / worker,
        clock=clock,
        roll=roll,
        new_id=lambda: new_id().hex,
        threads=THREADS,
        failpoint=failpoint,
    )


def new_id() -> UUID:
    """Make an identity; they sort by time, which keeps the journal's indexes compact."""
    moment = int(SystemClock().now().timestamp() * 1000)
    return UUID(int=(moment << 80) | (uuid.uuid4().int & ((1 << 80) - 1)), version=4)  # noqa: TID251 - the one place


async def _keys(settings: Settings, stack: AsyncExitStack) -> Keys:
    if settings.kms_key_name:
        return await stack.enter_async_context(CloudKms(settings.kms_key_name))
    return LocalKms(settings.data_dir / "kms.key")


def _journal_url(settings: Settings) -> str:
    if settings.journal_url is None:
        raise StartupError(("JOURNAL_URL: is required",))
    return settings.journal_url.reveal()


def _require_settings(settings: Settings, clock: SystemClock) -> None:
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    faults = (
        *settings_faults(settings, open_files),
        *clock_faults(clock.now()),
        *spool_faults(settings.data_dir / "spool"),
    )
    if faults:
        raise StartupError(faults)


def _checks(
    settings: Settings, journal: PostgresJournal, keys: Keys, url: str, clock: SystemClock
) -> Mapping[str, Check]:
    checks: dict[str, Check] = {
        "clock": lambda: offset_faults(journal.ping, clock),
        "KMS_KEY_NAME": lambda: keys_faults(keys, b"probe"),
    }
    if settings.production:
        checks["JOURNAL_URL"] = lambda: unsoundness(url)
    return checks


def put_to_work(settings: Settings, engines: Engines) -> Pool | None:
    """Put the actors of this role under the supervisor; return the pool when the role works."""
    clock, supervisor = engines.clock, engines.supervisor
    supervisor.add("directory", engines.directory.run)
    supervisor.add("journal-bell", engines.journal.listen)
    if settings.role != "api":
        Caretaker(engines.journal, clock, roll, reap_seconds=settings.reap_seconds).start(supervisor)
        central, schemas = engines.warehouses.central(), engines.catalog.schemas
        Publisher(engines.journal, central, schemas, engines.directory, clock, roll, settings.publish_seconds).start(
            supervisor
        )
    if settings.role not in {"all", "worker"}:
        return None
    terms = PoolTerms(engines.worker, settings.max_concurrent_runs, settings.lease_seconds, settings.heartbeat_seconds)
    pool = Pool(terms, engines.journal, _runner(settings, engines).run, supervisor, clock, roll)
    pool.start()
    return pool


def _runner(settings: Settings, engines: Engines) -> Runner:
    suffix = SUFFIXES[settings.environment]
    credentials = Credentials(
        engines.warehouses.central(), engines.keys, engines.catalog.schemas, engines.catalog.providers.names
    )
    stepping = Stepping(
        engines.catalog,
        credentials,
        engines.warehouses,
        engines.reader,
        engines.journal,
        engines.clock,
        roll,
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


def services(settings: Settings, engines: Engines, vitals: Vitals) -> wire.Services:
    """Make what answers each service of the contract."""
    journal, clock = engines.journal, engines.clock
    bounds = Bounds(settings.max_concurrent_runs_per_org, settings.max_waiting_runs_per_org, settings.api_service_url)
    pipelines = PipelineService(
        acceptance=Acceptance(engines.catalog, engines.directory, journal, clock, new_id, bounds),
        journal=journal,
        watch=Watch(journal, clock),
        explain=Explain(journal, engines.directory, clock),
        catalog=engines.catalog,
        tokens=PageTokens(settings.token_key),
        clock=clock,
    )
    health = HealthService(lambda: vitals.health.serving, version("data-pipeline-service"), settings.environment)
    return wire.Services(pipelines, SchedulerService(), ProcedureService(), health)


def guards(settings: Settings, engines: Engines, tracing: Tracing | None) -> list[Guard]:
    """Make the guards in their order, outermost first; why it is this one stands in interceptors/chain.py."""
    clock = engines.clock
    tracer = tracing.provider.get_tracer("server") if tracing else None
    return [
        Trace(lambda: new_id().hex, clock.monotonic, tracer),
        errors,
        Deadline(),
        Auth(engines.directory, settings.root_key, clock.now, clock.monotonic, settings.disable_auth),
        Limits(
            clock.monotonic,
            per_org=settings.requests_per_minute,
            runs_per_org=settings.runs_per_minute,
            in_all=settings.global_requests_per_minute,
            enabled=settings.rate_limit_enabled,
        ),
        validation,
        Audit(engines.journal, clock.now, new_id, engines.supervisor.shielded),
    ]
