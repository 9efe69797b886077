from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.catalog.conftest import Configs
from workers.catalog import Catalog
from workers.model.credential import CredentialForm
from workers.model.failure import FailedError
from workers.model.page import Auth

ENTRY = "providers:\n  VENDOR:\n    name: Vendor\n    type: saas\n"


def test_an_endpoint_says_how_a_provider_is_spoken_to(configs: Configs) -> None:
    endpoint = configs.load().endpoint("ANTHROPIC")
    assert endpoint.base_url == "https://api.anthropic.com/v1"
    assert endpoint.auth == Auth("header", "x-api-key", "ANTHROPIC")


def test_an_alias_names_the_same_provider(configs: Configs) -> None:
    catalog = configs.load()
    assert catalog.provider("claude") is catalog.provider("ANTHROPIC")
    assert catalog.providers.names("CLAUDE") == ("ANTHROPIC", "CLAUDE")
    assert catalog.providers.canonical("vendor_api") == "VENDOR_API"


def test_a_setting_replaces_the_base_url(configs: Configs) -> None:
    catalog = configs.load(base_urls={"OPENAI_BASE_URL": "http://127.0.0.1:8123/v1/"})
    assert catalog.endpoint("OPENAI").base_url == "http://127.0.0.1:8123/v1"


def test_a_setting_leads_to_another_token_endpoint_but_the_declared_one_stays_the_audience(configs: Configs) -> None:
    auth = configs.load(base_urls={"GCP_TOKEN_URL": "http://127.0.0.1:8123/token"}).endpoint("GCP_SA").auth
    assert (auth.kind, auth.token_url) == ("service_account", "http://127.0.0.1:8123/token")
    assert auth.audience == "https://oauth2.googleapis.com/token"


def test_an_endpoint_says_what_credentials_look_like_and_how_one_is_tried() -> None:
    endpoint = Catalog.load(Path("configs")).endpoint("OPENAI")
    assert endpoint.form == CredentialForm(prefix="sk-admin-")
    assert endpoint.proof is not None
    assert endpoint.proof.needs == "an admin key with the scope api.usage.read"


def test_a_provider_may_have_a_credential_and_no_api(configs: Configs) -> None:
    configs.write("system/providers.yml", "providers:\n  SMTP: {name: Mail, type: notification, auth: {type: none}}\n")
    assert configs.load().endpoint("SMTP").base_url == ""


@pytest.mark.parametrize("url", ["ftp://x.example.com", "https://a@b.example.com", "nonsense"])
def test_a_setting_that_is_no_url_is_refused(configs: Configs, url: str) -> None:
    faults = configs.faults(base_urls={"OPENAI_BASE_URL": url})
    assert faults == ["OPENAI_BASE_URL: must be an http or https URL without a user"]


def test_an_unknown_provider_is_refused_by_name(configs: Configs) -> None:
    with pytest.raises(FailedError, match="there is no provider 'NOBODY'"):
        configs.load().endpoint("NOBODY")


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("base_url: http://api.vendor.com\n    auth: {type: bearer}", "5:15: a URL must be https"),
        ("base_url: https://10.1.2.3\n    auth: {type: bearer}", "5:15: a URL must name a host, not an address"),
        ("base_url: https://a.example.com", "2:3: missing key 'auth'"),
        ("auth: {type: bearer}", "2:3: without a base_url there is nothing to authenticate at"),
        ("auth: {type: none}\n    validation: {path: /me, needs: a key}", "2:3: without a base_url there is nothing"),
        ("base_url: https://a.example.com\n    auth: {type: header}", "6:11: auth of type header or query"),
        ("base_url: https://a.example.com\n    auth: {type: bearer, name: x}", "6:11: auth of type header or query"),
        (
            "base_url: https://a.example.com\n    auth: {type: service_account}",
            "6:11: auth of type service_account needs a token_url",
        ),
        (
            "base_url: https://a.example.com\n    auth: {type: none}\n    domain: example.com\n    apis: {b: {base_url: 'https://example.org'}}",
            "8:26: the host must be below the provider's domain",
        ),
        ("base_url: https://a.example.com\n    auth: {type: magic}", "6:18: must be one of bearer"),
        (
            "base_url: https://a.example.com\n    auth: {type: bearer}\n    limits: {requests_per_minute: 0}",
            "7:35: 'requests_per_minute' must be > 0",
        ),
        (
            "base_url: https://a.example.com\n    auth: {type: bearer}\n    headers: {Host: x}",
            "7:15: the header Host may not be set here",
        ),
        (
            "base_url: https://a.example.com\n    auth: {type: bearer}\n    aliases: [VENDOR]",
            "7:15: VENDOR is the name of another provider already",
        ),
        ("base_url: https://a.example.com\n    auth: {type: bearer}\n    token: x", "7:5: unknown key 'token'"),
    ],
)
def test_a_bad_registry_is_told_with_its_place(configs: Configs, entry: str, fault: str) -> None:
    configs.write("system/providers.yml", f"{ENTRY}    {entry}\n")
    faults = configs.faults()
    assert any(one.startswith(f"system/providers.yml:{fault}") for one in faults), faults
