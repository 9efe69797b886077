"""Production does not start on settings that are for laptops."""

from __future__ import annotations

import pytest

from server.production import settings_faults
from server.settings import Settings

GOOD = {
    "ENVIRONMENT": "production",
    "JOURNAL_URL": "postgresql://svc:pw@db:5432/journal",
    "CA_ROOT_API_KEY": "5f1c9d2e7b3a4860917e2f4d8c6b0a13",
    "GCP_PROJECT_ID": "acme-prod-1",
    "CORS_ORIGINS": "https://console.acme.example",
    "KMS_KEY_NAME": "projects/p/locations/us/keyRings/r/cryptoKeys/k",
}


def faults(changes: dict[str, str] | None = None, open_files: int = 65_536) -> list[str]:
    return [fault.partition(":")[0] for fault in settings_faults(Settings.parse(GOOD | (changes or {})), open_files)]


def test_sound_settings_have_no_fault() -> None:
    assert not faults()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DISABLE_AUTH", "true"),
        ("RATE_LIMIT_ENABLED", "false"),
        ("CA_ROOT_API_KEY", ""),
        ("CA_ROOT_API_KEY", "5f1c9d2e7b3a4860917e2f4d8c6b0a1"),
        ("CA_ROOT_API_KEY", "x" * 40),
        ("CA_ROOT_API_KEY", "abcdefgh" * 4),
        ("CA_ROOT_API_KEY", "changeme-5f1c9d2e7b3a4860917e2f4d"),
        ("CA_ROOT_API_KEY", "abcdefghijklmnopqrstuvwxyz0123456789"),
        ("GCP_PROJECT_ID", ""),
        ("GCP_PROJECT_ID", "Not_A_Project"),
        ("CORS_ORIGINS", ""),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://console.acme.example,http://localhost:3000"),
        ("CORS_ORIGINS", "https://127.0.0.1"),
        ("CORS_ORIGINS", "https://*.acme.example"),
        ("KMS_KEY_NAME", ""),
        ("KMS_KEY_NAME", "projects/p/keyRings/r"),
        ("BIGQUERY_EMULATOR_HOST", "127.0.0.1:9050"),
        ("BIGQUERY_STORAGE_EMULATOR_HOST", "127.0.0.1:9060"),
        ("EGRESS_ALLOW", "127.0.0.1:80"),
        ("FAILPOINTS", "page.1=kill"),
        ("OPENAI_BASE_URL", "http://api.openai.com"),
    ],
)
@pytest.mark.item("J139", "J140")
def test_each_unsound_setting_is_named(variable: str, value: str) -> None:
    assert faults({variable: value}) == [variable]


def test_proxy_variables_and_few_open_files_are_faults() -> None:
    assert faults({"HTTPS_PROXY": "http://proxy:3128"}) == ["HTTPS_PROXY"]
    assert faults(open_files=1024) == ["open files"]


def test_all_faults_come_at_once_and_show_no_secret() -> None:
    changes = {"DISABLE_AUTH": "true", "CA_ROOT_API_KEY": "weakweakweak", "FAILPOINTS": "a=kill", "KMS_KEY_NAME": ""}
    found = settings_faults(Settings.parse(GOOD | changes), 10)
    assert len(found) == 5
    assert "weakweak" not in repr(found)


def test_development_may_do_as_it_likes_and_staging_must_have_auth() -> None:
    changes = {"DISABLE_AUTH": "true", "CORS_ORIGINS": "*", "KMS_KEY_NAME": ""}
    assert not faults(changes | {"ENVIRONMENT": "development"})
    assert faults(changes | {"ENVIRONMENT": "staging"}) == ["DISABLE_AUTH"]
