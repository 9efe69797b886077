"""Storing and judging credentials in the platform's table: one active row at any moment, whatever is repeated."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tests.plugins.warehouse_desk import Desk, declared
from workers.adapters.kms import LocalKms
from workers.catalog import Catalog
from workers.catalog.credentials import Credentials
from workers.model.credential import CredentialType, ValidationStatus, Verdict
from workers.model.failure import FailedError
from workers.model.secret import Secret, bound_data
from workers.ports import CentralWarehouse

pytestmark = pytest.mark.engine

TABLE = declared("configs/system/schemas/org_integration_credentials.json")
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


@frozen
class Safe:
    """The table with one credential in it, stored under an alias by the platform, and ways to look at it."""

    central: CentralWarehouse
    keys: LocalKms
    credentials: Credentials

    async def put(self, secret: str, credential_id: str, provider: str = "ANTHROPIC", **more: Any) -> str:
        return await self.credentials.store("acme", provider, Secret(secret), credential_id=credential_id, **more)

    async def rows(self, columns: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
        sql = f"SELECT {columns} FROM {{central}}.{TABLE.name} WHERE {where} ORDER BY credential_id"
        return [tuple(row.values()) for row in (await self.central.query(sql, {})).rows]

    async def active(self) -> list[tuple[Any, ...]]:
        return await self.rows("org_slug, credential_id", "is_active")

    async def opened(self) -> str:
        return (await self.credentials.open("acme", "ANTHROPIC")).reveal()


@pytest.fixture
async def safe(desk: Desk, tmp_path: Path) -> Safe:
    central, keys, catalog = desk.warehouses.central(), LocalKms(tmp_path / "key"), Catalog.load(Path("configs"))
    await central.ensure(TABLE)
    row = {
        "credential_id": "c1",
        "org_slug": "acme",
        "provider": "CLAUDE",
        "credential_name": "Main key",
        "encrypted_credential": await keys.encrypt(b"first", bound_data("acme", "CLAUDE", "c1")),
        "credential_type": "API_KEY",
        "validation_status": "VALID",
        "metadata": {"workspace": "w1"},
        "is_active": True,
        "created_at": AT,
    }
    other = {**row, "org_slug": "globex", "credential_id": "g1"}
    await central.append(TABLE, [row, other], "seed")
    return Safe(central, keys, Credentials(central, keys, catalog.schemas, catalog.providers.names))


async def test_a_new_credential_replaces_the_active_one_under_any_name_of_its_provider(safe: Safe) -> None:
    assert await safe.put("second", "c2") == "c2"
    assert await safe.opened() == "second"
    assert await safe.active() == [("acme", "c2"), ("globex", "g1")]
    kept = await safe.rows("provider, credential_name, credential_type, validation_status, metadata", "is_active")
    assert kept[0] == ("ANTHROPIC", "Main key", "API_KEY", "PENDING", {"workspace": "w1"})


async def test_the_first_credential_of_a_provider_is_stored_as_given(safe: Safe) -> None:
    given = {"kind": CredentialType.SERVICE_ACCOUNT_JSON, "status": ValidationStatus.VALID, "name": "Billing"}
    await safe.put("{}", "c9", "GCP_SA", **given)
    columns = "credential_name, credential_type, validation_status, last_validated_at IS NULL, metadata"
    assert await safe.rows(columns, "provider = 'GCP_SA'") == [
        ("Billing", "SERVICE_ACCOUNT_JSON", "VALID", False, None)
    ]


async def test_storing_again_changes_nothing_and_brings_nothing_back(safe: Safe) -> None:
    await safe.put("second", "c2")
    await safe.put("second", "c2")
    await safe.put("third", "c3")
    await safe.put("second", "c2")
    assert await safe.opened() == "third"
    assert len(await safe.rows("1", "org_slug = 'acme'")) == 3


async def test_an_id_stands_for_one_secret(safe: Safe) -> None:
    await safe.put("second", "c2")
    with pytest.raises(FailedError, match="c2 is stored already, with another secret"):
        await safe.put("other", "c2")
    assert await safe.opened() == "second"


async def test_of_stores_at_once_exactly_one_is_active(safe: Safe) -> None:
    await asyncio.gather(*(safe.put(f"secret {n}", f"n{n}", "GCP_SA") for n in range(3)))
    active = await safe.rows("credential_id", "is_active AND provider = 'GCP_SA'")
    assert len(active) == 1
    assert (await safe.credentials.open("acme", "GCP_SA")).reveal() == f"secret {active[0][0][1:]}"


async def test_a_verdict_is_shown_and_switches_nothing_off(safe: Safe) -> None:
    await safe.credentials.record("acme", "c1", Verdict(ValidationStatus.INVALID, "refused"), AT)
    found = await safe.credentials.find("acme", "ANTHROPIC")
    assert found is not None
    assert (found.status, found.last_error, found.last_validated_at) == ("INVALID", "refused", AT)
    assert await safe.opened() == "first"
    assert (await safe.rows("validation_status, last_error", "org_slug = 'globex'")) == [("VALID", None)]


async def test_of_two_verdicts_the_later_one_stays(safe: Safe) -> None:
    await safe.credentials.record("acme", "c1", Verdict(ValidationStatus.VALID), AT)
    await safe.credentials.record("acme", "c1", Verdict(ValidationStatus.INVALID, "old"), AT - timedelta(hours=1))
    assert await safe.rows("validation_status, last_error", "credential_id = 'c1'") == [("VALID", None)]
