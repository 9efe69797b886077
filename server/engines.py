"""Opens everything outside the process: given settings, finds all that is wrong at once, or hands on the Engines.

What can be looked at is looked at, whatever else is wrong, so that whoever sets the service up mends it in one go.
"""

from __future__ import annotations

import random  # noqa: TID251 - chance enters here
import resource
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import structlog
from attrs import frozen

from server import grpc as wire
from server.clock import SystemClock
from server.failpoints import arm
from server.instance import instance
from server.interceptors.policies import PolicyError
from server.notifying import notice_faults, open_notifiers
from server.production import settings_faults
from server.settings import Settings
from server.startup import Check, StartupError, attempt, clock_faults, keys_faults, offset_faults, require, spool_faults
from workers.adapters.bigquery import STATEMENTS, BigQuerySources, BigQueryWarehouses, connect
from workers.adapters.journal import MigrationError, PostgresJournal, migrate, unsoundness
from workers.adapters.kms import CloudKms, LocalKms
from workers.catalog import Catalog, ConfigError
from workers.catalog.orgs import Directory
from workers.model.notice import Channel
from workers.ports import Failpoint, Keys, Notifier
from workers.rest import Egress, RestReader, Shelf
from workers.runtime.key_use import KeyUse
from workers.runtime.supervisor import Supervisor

log = structlog.get_logger()

CONFIGS = Path(__file__).parent.parent / "configs"
THREADS = 16

roll = random.SystemRandom().random


@frozen
class Engines:
    """Everything outside the process, opened."""

    catalog: Catalog
    journal: PostgresJournal
    warehouses: BigQueryWarehouses
    sources: BigQuerySources
    keys: Keys
    reader: RestReader
    notifiers: Mapping[Channel, Notifier]
    directory: Directory
    key_use: KeyUse
    supervisor: Supervisor
    clock: SystemClock
    worker: str


@asynccontextmanager
async def open_engines(
    settings: Settings, known: tuple[str, ...] = (), on_give_up: Callable[[str], None] = lambda _name: None
) -> AsyncIterator[Engines]:
    """Check all that a replica needs, open it, and close it in the opposite order.

    Raises StartupError with everything that is wrong, `known` faults of the environment first. The journal is brought
    to this code's migrations, which older replicas bear.
    """
    clock = SystemClock()
    catalog, failpoint, faults = _read(settings, clock, known)
    async with AsyncExitStack() as stack:
        supervisor = Supervisor(clock, roll, on_give_up)
        stack.push_async_callback(supervisor.stop)
        journal = await stack.enter_async_context(_journal(settings, supervisor, failpoint))
        keys = await _keys(settings, stack)
        faults += await _migrated(settings)
        await require(_checks(settings, journal, keys, clock, faults), faults)
        if catalog is None:
            raise StartupError(faults)
        worker = stack.enter_context(instance(settings.data_dir / "instances", new_id))
        warehouses = await stack.enter_async_context(_warehouses(settings, catalog, worker, clock, failpoint))
        pages = settings.data_dir / "pages"
        pages.mkdir(mode=0o700, parents=True, exist_ok=True)
        egress = Egress.parse(",".join(settings.egress_allow))
        reader = RestReader(egress, clock, roll, shelf=Shelf(pages))
        stack.callback(reader.close)
        notifiers = stack.enter_context(open_notifiers(egress, clock))
        names = catalog.providers.canonical
        directory = Directory(warehouses.central(), catalog.schemas, catalog.plans, clock, roll, names)
        emulator = settings.bigquery_emulator_host or ""
        sources = BigQuerySources(clock, roll, lambda: new_id().hex, emulator, settings.gcp_project_id)
        key_use = KeyUse(journal, clock, settings.publish_seconds)
        yield Engines(
            catalog,
            journal,
            warehouses,
            sources,
            keys,
            reader,
            notifiers,
            directory,
            key_use,
            supervisor,
            clock,
            worker,
        )


def new_id() -> UUID:
    """Make an identity; they sort by time, which keeps the journal's indexes compact."""
    moment = int(SystemClock().now().timestamp() * 1000)
    return UUID(int=(moment << 80) | (uuid.uuid4().int & ((1 << 80) - 1)), version=4)  # noqa: TID251 - the one place


def _read(
    settings: Settings, clock: SystemClock, known: tuple[str, ...]
) -> tuple[Catalog | None, Failpoint, tuple[str, ...]]:
    """Look at what needs no engine; without a catalogue there is a fault of it."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    catalog, declared = _catalog(settings)
    failpoint, armed = _failpoint(settings)
    found = (
        *settings_faults(settings, open_files),
        *armed,
        *clock_faults(clock.now()),
        *spool_faults(settings.data_dir / "spool"),
        *_policy_faults(settings),
        *declared,
    )
    return catalog, failpoint, (*known, *(fault for fault in found if _subject(fault) not in _subjects(known)))


def _catalog(settings: Settings) -> tuple[Catalog | None, tuple[str, ...]]:
    allowed = frozenset(settings.egress_allow)
    try:
        catalog = Catalog.load(CONFIGS, base_urls=settings.provider_urls, egress_allow=allowed)
    except ConfigError as error:
        return None, tuple(f"configs/{problem}" for problem in error.problems)
    for warning in catalog.warnings:
        log.info("unusual declaration", warning=str(warning))
    return catalog, notice_faults(settings, catalog.notifications)


def _failpoint(settings: Settings) -> tuple[Failpoint, tuple[str, ...]]:
    try:
        return arm(settings.failpoints), ()
    except ValueError as error:
        return arm(()), (str(error),)


def _policy_faults(settings: Settings) -> tuple[str, ...]:
    try:
        wire.policies(reflection_for_root=settings.production)
    except PolicyError as error:
        return (f"proto: {error}",)
    return ()


async def _migrated(settings: Settings) -> tuple[str, ...]:
    """Return why the journal cannot be used; a migration may take longer than any check."""
    if settings.journal_url is None:
        return ()
    url = settings.journal_url.reveal()

    async def migrated() -> tuple[str, ...]:
        try:
            await migrate(url)
        except MigrationError as error:
            return (str(error),)
        return ()

    return await attempt("JOURNAL_URL", migrated, seconds=None)


def _checks(
    settings: Settings, journal: PostgresJournal, keys: Keys, clock: SystemClock, faults: tuple[str, ...]
) -> dict[str, Check]:
    """Return the checks that ask an engine, but for those whose own setting is known to be at fault."""
    checks: dict[str, Check] = {}
    wrong = _subjects(faults)
    if not wrong & {"KMS_KEY_NAME", "DATA_DIR"}:
        checks["KMS_KEY_NAME"] = lambda: keys_faults(keys, b"probe")
    if settings.journal_url is not None and "JOURNAL_URL" not in wrong:
        url = settings.journal_url.reveal()
        checks["clock"] = lambda: offset_faults(journal.ping, clock)
        if settings.production:
            checks["JOURNAL_URL"] = lambda: unsoundness(url)
    return checks


def _subjects(faults: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_subject(fault) for fault in faults)


def _subject(fault: str) -> str:
    return fault.partition(":")[0]


def _journal(
    settings: Settings, supervisor: Supervisor, failpoint: Failpoint
) -> AbstractAsyncContextManager[PostgresJournal]:
    return PostgresJournal.open(
        settings.journal_url.reveal() if settings.journal_url else "",  # it connects when first asked
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
    client = connect(project, location, endpoint=settings.bigquery_emulator_host or "", connections=THREADS + 1)
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


async def _keys(settings: Settings, stack: AsyncExitStack) -> Keys:
    if settings.kms_key_name:
        return await stack.enter_async_context(CloudKms(settings.kms_key_name))
    return LocalKms(settings.data_dir / "kms.key")
