from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.central import ListedCentral
from tests.unit.catalog.conftest import Configs
from workers.adapters.kms import LocalKms
from workers.catalog.credentials import Credentials
from workers.model.failure import FailedError, Reason
from workers.model.secret import Secret, bound_data

SQL = "SELECT one"
KEY = "sk-admin-canary"


class Vault:
    """Stored rows, and credentials that read them."""

    def __init__(self, configs: Configs, keys: LocalKms) -> None:
        configs.write("system/sql/credential.sql", SQL)
        catalog = configs.load()
        self.keys = keys
        self.rows: list[dict[str, Any]] = []
        self.central = ListedCentral({SQL: self._answer})
        self.credentials = Credentials(self.central, keys, catalog.schemas, catalog.providers.names)

    def _answer(self, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            row for row in self.rows if row["org_slug"] == asked["org_slug"] and row["provider"] in asked["providers"]
        ]

    async def store(self, org: str, provider: str, plain: bytes = KEY.encode(), **values: Any) -> dict[str, Any]:
        bound = bound_data(org, provider, "c1")
        row = {
            "org_slug": org,
            "credential_id": "c1",
            "provider": provider,
            "credential_type": "API_KEY",
            "validation_status": "VALID",
            "encrypted_credential": await self.keys.encrypt(plain, bound),
            **values,
        }
        self.rows.append(row)
        return row

    async def refusal(self, org: str = "acme", provider: str = "OPENAI") -> str:
        with pytest.raises(FailedError) as raised:
            await self.credentials.open(org, provider)
        assert raised.value.failure.reason is Reason.CREDENTIAL_INVALID
        assert KEY not in str(raised.value)
        return raised.value.failure.message


@pytest.fixture
def vault(configs: Configs, tmp_path: Path) -> Vault:
    return Vault(configs, LocalKms(tmp_path / "key"))


async def test_a_stored_credential_is_opened_for_its_owner(vault: Vault) -> None:
    await vault.store("acme", "OPENAI")
    secret = await vault.credentials.open("acme", "OPENAI")
    assert secret.reveal() == KEY
    assert KEY not in repr(secret)


async def test_only_the_row_of_the_organisation_and_provider_is_asked_for(vault: Vault) -> None:
    await vault.store("acme", "OPENAI")
    await vault.credentials.open("acme", "OPENAI")
    assert vault.central.queries == [(SQL, {"org_slug": "acme", "providers": ["OPENAI"]})]


async def test_a_credential_stored_under_an_alias_is_found(vault: Vault) -> None:
    await vault.store("acme", "CLAUDE")
    assert (await vault.credentials.open("acme", "ANTHROPIC")).reveal() == KEY


async def test_a_pending_credential_may_be_used(vault: Vault) -> None:
    await vault.store("acme", "OPENAI", validation_status="PENDING")
    assert (await vault.credentials.open("acme", "OPENAI")).reveal() == KEY


async def test_an_absent_credential_is_refused(vault: Vault) -> None:
    await vault.store("globex", "OPENAI")
    assert await vault.refusal() == "the OPENAI credential is not there, or switched off"


@pytest.mark.item("I130")
async def test_two_active_credentials_are_refused(vault: Vault) -> None:
    await vault.store("acme", "OPENAI")
    await vault.store("acme", "OPENAI")
    assert await vault.refusal() == "the OPENAI credential is there 2 times; only one may be active"


async def test_a_credential_that_was_refused_last_time_may_be_tried_again(vault: Vault) -> None:
    await vault.store("acme", "OPENAI", validation_status="INVALID")
    assert (await vault.credentials.open("acme", "OPENAI")).reveal() == KEY


async def test_why_a_credential_is_over_is_said(vault: Vault) -> None:
    await vault.store("acme", "OPENAI", validation_status="EXPIRED", last_error="its time was up")
    assert await vault.refusal() == "the OPENAI credential is EXPIRED (its time was up); store it again"


async def test_nothing_is_stored_in_place_of_a_credential_by_an_empty_one(vault: Vault) -> None:
    with pytest.raises(FailedError, match="the OPENAI credential would be empty; nothing is stored"):
        await vault.credentials.store("acme", "OPENAI", Secret(" "), credential_id="c2")


@pytest.mark.parametrize("status", ["EXPIRED", "valid", None])
async def test_a_credential_that_is_over_or_of_unknown_standing_is_refused(vault: Vault, status: str | None) -> None:
    await vault.store("acme", "OPENAI", validation_status=status)
    assert str(status or "without a status") in await vault.refusal()


@pytest.mark.item("I128")
async def test_a_credential_moved_to_another_organisation_does_not_open(vault: Vault) -> None:
    row = await vault.store("globex", "OPENAI")
    row["org_slug"] = "acme"
    assert "cannot be opened" in await vault.refusal()


@pytest.mark.item("I128")
async def test_a_credential_under_another_id_or_provider_does_not_open(vault: Vault) -> None:
    row = await vault.store("acme", "OPENAI", credential_id="c2")
    assert "cannot be opened" in await vault.refusal()
    row |= {"credential_id": "c1", "provider": "ANTHROPIC"}
    assert "cannot be opened" in await vault.refusal(provider="ANTHROPIC")


@pytest.mark.item("I128")
@pytest.mark.parametrize("sealed", [b"", b"short", None, "text", b"x" * 70_000, 5])
async def test_a_damaged_credential_is_refused(vault: Vault, sealed: Any) -> None:
    await vault.store("acme", "OPENAI", encrypted_credential=sealed)
    assert (await vault.refusal()).startswith("the OPENAI credential ")


@pytest.mark.parametrize("plain", [b"\xff\xfe", b"  \n", b""])
async def test_what_is_no_text_is_no_credential(vault: Vault, plain: bytes) -> None:
    await vault.store("acme", "OPENAI", plain)
    assert (await vault.refusal()).startswith("the OPENAI credential is ")


async def test_bigquery_being_away_is_not_the_credentials_fault(vault: Vault) -> None:
    vault.central.away = True
    with pytest.raises(FailedError) as raised:
        await vault.credentials.open("acme", "OPENAI")
    assert raised.value.failure.retryable
