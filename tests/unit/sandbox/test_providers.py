from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.google.account import Account
from sandbox.providers import PROVIDERS, Provider
from sandbox.secrets import SandboxSecrets

BY_NAME = {provider.name: provider for provider in PROVIDERS}


@pytest.fixture
def google() -> Provider:
    return BY_NAME["google"]


@pytest.mark.parametrize("setting", ["GCP_API_BASE_URL", "GCP_TOKEN_URL"])
def test_an_address_that_is_given_is_used_as_it_is(google: Provider, setting: str) -> None:
    given = {setting: "https://stand-in.example.com"}
    assert not google.simulated(given)
    assert google.urls({}, given) == given


def test_without_an_address_a_provider_is_simulated_and_both_of_its_addresses_are_told(google: Provider) -> None:
    part = google.simulate(google.new_key(), 0)
    part.origin = part.base_url = "http://127.0.0.1:7"
    assert google.simulated({"GCP_API_BASE_URL": ""})
    assert google.urls({"google": part}, {}) == {
        "GCP_API_BASE_URL": "http://127.0.0.1:7",
        "GCP_TOKEN_URL": "http://127.0.0.1:7/token",
    }


def test_a_credential_is_made_once_and_a_given_one_wins(tmp_path: Path) -> None:
    first = SandboxSecrets.keep(tmp_path, ("acme",), {})
    assert SandboxSecrets.keep(tmp_path, ("acme",), {}) == first
    assert Account(first.provider_keys["GCP_SA"]).project == "acme-prod"
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"type": "service_account"}))
    given = {"SANDBOX_GCP_SA_FILE": str(file), "SANDBOX_OPENAI_KEY": "sk-admin-mine"}
    keys = SandboxSecrets.keep(tmp_path, ("acme",), given).provider_keys
    assert (keys["GCP_SA"], keys["OPENAI"]) == (file.read_text(), "sk-admin-mine")
    assert keys["ANTHROPIC"] == first.provider_keys["ANTHROPIC"]
