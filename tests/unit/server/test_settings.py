"""Every variable is read once, exactly, and all that is wrong is told at once."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import reading
from server.settings import Settings, SettingsError

JOURNAL = {"JOURNAL_URL": "postgresql://svc:hunter2@127.0.0.1:5432/journal"}


def faults_of(**environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings.parse(JOURNAL | environ)
    return caught.value.faults


def test_defaults_stand_when_only_the_journal_is_given() -> None:
    settings = Settings.parse(JOURNAL)
    assert (settings.environment, settings.port, settings.grpc_port, settings.metrics_port) == (
        "development",
        8001,
        50051,
        9090,
    )
    assert (settings.requests_per_minute, settings.runs_per_minute, settings.lease_seconds) == (100, 50, 30.0)
    assert (settings.host, settings.disable_auth, settings.rate_limit_enabled) == ("127.0.0.1", False, True)


def test_an_empty_value_counts_as_unset() -> None:
    settings = Settings.parse(JOURNAL | {"GRPC_PORT": "", "KMS_KEY_NAME": ""})
    assert (settings.grpc_port, settings.kms_key_name, settings.given) == (
        50051,
        None,
        frozenset({"JOURNAL_URL"}),
    )


@pytest.mark.item("J138")
def test_every_port_may_be_zero() -> None:
    settings = Settings.parse(JOURNAL | {"PORT": "0", "GRPC_PORT": "0", "METRICS_PORT": "0"})
    assert (settings.port, settings.grpc_port, settings.metrics_port) == (0, 0, 0)


@pytest.mark.parametrize("text", ["true ", " true", "TRUE", "True", "yes", "no", "on", "2", "01", "t"])
@pytest.mark.item("J138")
def test_only_exact_booleans_are_booleans(text: str) -> None:
    assert faults_of(DISABLE_AUTH=text) == ("DISABLE_AUTH: must be true, false, 1 or 0 (lower case)",)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("false", False), ("0", False)])
def test_the_four_booleans(text: str, value: bool) -> None:
    assert Settings.parse(JOURNAL | {"DISABLE_AUTH": text}).disable_auth is value


BAD = [
    ("ENVIRONMENT", "Production"),
    ("ENVIRONMENT", "prod"),
    ("ROLE", "workers"),
    ("GRPC_PORT", "70000"),
    ("GRPC_PORT", "-1"),
    ("GRPC_PORT", "abc"),
    ("GRPC_PORT", "5_0"),
    ("GRPC_PORT", "\u0665"),
    ("RATE_LIMIT_REQUESTS_PER_MINUTE", "0"),
    ("RATE_LIMIT_REQUESTS_PER_MINUTE", "-5"),
    ("MAX_CONCURRENT_RUNS", "1e3"),
    ("LEASE_SECONDS", "0"),
    ("LEASE_SECONDS", "nan"),
    ("JOURNAL_URL", "mysql://x"),
    ("OPENAI_BASE_URL", "ftp://x"),
    ("OPENAI_BASE_URL", "https://user:hunter2@host"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost"),
    ("EGRESS_ALLOW", "127.0.0.1"),
    ("FAILPOINTS", "accept.after_commit"),
    ("LOG_LEVEL", "verbose"),
    ("HOST", "a b"),
]


@pytest.mark.parametrize(("variable", "text"), BAD)
@pytest.mark.item("J138", "J139")
def test_a_bad_value_is_a_fault_that_names_its_variable_and_never_shows_it(variable: str, text: str) -> None:
    (fault,) = faults_of(**{variable: text})
    assert fault.startswith(f"{variable}: must be ")
    assert "hunter2" not in fault


def test_all_faults_come_at_once() -> None:
    faults = faults_of(ENVIRONMENT="x", PORT="x", DISABLE_AUTH="x", LEASE_SECONDS="10", JOURNAL_URL="")
    assert [fault.partition(":")[0] for fault in faults] == [
        "ENVIRONMENT",
        "PORT",
        "DISABLE_AUTH",
        "JOURNAL_URL",
        "HEARTBEAT_SECONDS",
    ]


def test_two_ports_may_not_be_one() -> None:
    assert "must differ" in faults_of(PORT="9090")[0]


def test_lists_are_split_and_an_emulator_may_be_given_without_scheme() -> None:
    settings = Settings.parse(
        JOURNAL
        | {
            "CORS_ORIGINS": "https://a.example, https://b.example",
            "EGRESS_ALLOW": "127.0.0.1:80,localhost:81",
            "FAILPOINTS": "page.3=kill",
            "BIGQUERY_EMULATOR_HOST": "127.0.0.1:9050",
        }
    )
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.egress_allow == ("127.0.0.1:80", "localhost:81")
    assert settings.failpoints == (("page.3", "kill"),)
    assert settings.bigquery_emulator_host == "http://127.0.0.1:9050"


def test_only_base_urls_that_were_set_are_overrides() -> None:
    settings = Settings.parse(JOURNAL | {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1/"})
    assert settings.provider_urls == {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}


def test_no_secret_is_in_a_settings_text() -> None:
    settings = Settings.parse(JOURNAL | {"CA_ROOT_API_KEY": "root-key-0123456789"})
    assert not any(secret in repr(settings) for secret in ("hunter2", "root-key"))


def test_the_token_key_is_the_same_for_all_replicas_and_hangs_on_the_secrets() -> None:
    one, same, other = (Settings.parse(JOURNAL | {"CA_ROOT_API_KEY": key}).token_key for key in ("aaa", "aaa", "bbb"))
    assert one == same != other


def test_every_field_that_is_read_has_a_variable_of_its_own() -> None:
    variables = [field.metadata["variable"] for field in attrs.fields(Settings) if field.metadata]
    assert len(variables) == len(set(variables)) >= 35


def test_the_readme_documents_every_variable() -> None:
    readme = Path("README.md").read_text()
    variables = [field.metadata["variable"] for field in attrs.fields(Settings) if field.metadata]
    assert [name for name in variables if f"`{name}`" not in readme] == []


def test_what_can_be_read_is_read_beside_what_cannot() -> None:
    settings, faults = Settings.read(JOURNAL | {"ROLE": "boss", "METRICS_HOST": "0.0.0.0", "GRPC_PORT": "1x"})
    assert [fault.partition(":")[0] for fault in faults] == ["ROLE", "GRPC_PORT"]
    assert (settings.role, settings.grpc_port, settings.metrics_host) == ("all", 50051, "0.0.0.0")


@given(st.text(max_size=12))
def test_readers_raise_nothing_but_what_they_accept(text: str) -> None:
    for read in (reading.boolean, reading.port, reading.seconds, reading.url, reading.endpoint, reading.addresses):
        try:
            read(text)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - both outcomes are fine
