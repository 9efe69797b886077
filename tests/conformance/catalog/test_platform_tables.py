"""The directory and the credentials over the platform's tables in a real engine, as the platform writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from server.clock import SystemClock
from tests.plugins.warehouse_desk import Desk
from workers.adapters.kms import LocalKms
from workers.catalog import Catalog
from workers.catalog.credentials import Credentials
from workers.catalog.orgs import Directory
from workers.model.org import Integration, Subscription
from workers.model.secret import bound_data
from workers.ports import CentralWarehouse, Row

pytestmark = pytest.mark.engine

NOW = datetime(2025, 6, 15, 12, tzinfo=UTC)
HASH = "a" * 64
KEYS: tuple[tuple[str, str, bool, list[str]], ...] = (
    ("k1", HASH, True, []),
    ("k2", "b" * 64, False, []),
    ("k3", "c" * 64, True, ["pipelines:read", "audit:*"]),
    ("k4", "d" * 64, True, [""]),
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load(Path("configs"))


@pytest.fixture
async def central(desk: Desk, catalog: Catalog) -> CentralWarehouse:
    central = desk.warehouses.central()
    for table in ("org_profiles", "org_api_keys", "org_subscriptions", "org_integration_credentials"):
        await central.ensure(catalog.schemas.table(table))
    return central


async def put(central: CentralWarehouse, catalog: Catalog, table: str, **values: object) -> None:
    row: Row = {"org_slug": "acme", "created_at": NOW, **values}
    await central.append(catalog.schemas.table(table), [row], f"{table}-{sorted(map(str, values.values()))}")


async def enrol(central: CentralWarehouse, catalog: Catalog) -> None:
    await put(
        central,
        catalog,
        "org_profiles",
        company_name="Acme",
        admin_email="admin@acme.example",
        org_dataset_id="acme_local",
        status="ACTIVE",
    )
    for key_id, sha256, active, scopes in KEYS:
        hashed = {"org_api_key_id": key_id, "org_api_key_hash": sha256, "is_active": active}
        await put(central, catalog, "org_api_keys", **hashed, scopes=scopes)
    for number, plan in enumerate(("STARTER", "SCALE")):
        await put(
            central,
            catalog,
            "org_subscriptions",
            subscription_id=f"s{number}",
            plan_name=plan,
            status="TRIAL",
            daily_limit=7,
            monthly_limit=70,
            concurrent_limit=3,
            seat_limit=11,
            providers_limit=4,
            trial_end_date=date(2025, 7, 1),
            updated_at=NOW + timedelta(days=number),
        )


async def seal(central: CentralWarehouse, catalog: Catalog, keys: LocalKms, **values: object) -> None:
    sealed = await keys.encrypt(b"sk-admin-1", bound_data("acme", "OPENAI", "c1"))
    standing = {"provider": "OPENAI", "credential_type": "API_KEY", "validation_status": "VALID", "is_active": True}
    await put(
        central,
        catalog,
        "org_integration_credentials",
        **{"credential_id": "c1", "encrypted_credential": sealed, **standing, **values},
    )


async def test_the_directory_reads_the_platforms_tables(
    central: CentralWarehouse, catalog: Catalog, tmp_path: Path
) -> None:
    await enrol(central, catalog)
    await seal(central, catalog, LocalKms(tmp_path / "key"))
    directory = Directory(
        central, catalog.schemas, catalog.plans, SystemClock(), lambda: 0.5, catalog.providers.canonical
    )
    key = await directory.find_key(HASH)
    assert key is not None
    assert (key.key_id, key.org_slug, key.scopes) == ("k1", "acme", None)
    found = [await directory.find_key(letter * 64) for letter in "cd"]
    assert [one and one.scopes for one in found] == [{"pipelines:read", "audit:*"}, frozenset()]
    assert await directory.find_key("b" * 64) is None
    org = await directory.org("acme")
    assert org is not None
    assert (org.status, org.dataset) == ("ACTIVE", "acme_local")
    assert org.subscription == Subscription(
        "TRIAL", "SCALE", 7, 70, 3, 4.0, date(2025, 7, 1), seat_limit=11, providers_limit=4
    )
    assert org.integrations == (Integration("c1", "OPENAI", "VALID"),)


async def test_a_credential_is_read_and_opened(central: CentralWarehouse, catalog: Catalog, tmp_path: Path) -> None:
    keys = LocalKms(tmp_path / "key")
    await seal(central, catalog, keys)
    await seal(central, catalog, keys, credential_id="c2", is_active=False)
    await seal(central, catalog, keys, credential_id="c3", org_slug="globex")
    credentials = Credentials(central, keys, catalog.schemas, catalog.providers.names)
    assert (await credentials.open("acme", "OPENAI")).reveal() == "sk-admin-1"
