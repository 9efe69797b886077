"""What the operator set: every environment variable, read once, each fault naming its variable.

`Settings.parse(os.environ)` is the one door. An empty value counts as unset.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from server import reading
from workers.model.secret import Secret

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")


class SettingsError(Exception):
    """Everything that is wrong with the environment, one line per variable."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def _from(variable: str, read: Callable[[str], Any], default: Any = None) -> Any:
    return attrs.field(default=default, metadata={"variable": variable, "read": read})


@frozen(kw_only=True)
class Settings:
    """Typed values of the environment; secrets stay closed. `proxies` names proxy variables that were found set."""

    environment: str = _from(
        "ENVIRONMENT", reading.one_of("development", "staging", "production"), default="development"
    )
    role: str = _from("ROLE", reading.one_of("all", "api", "worker", "scheduler"), default="all")
    log_level: str = _from("LOG_LEVEL", reading.one_of("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
    host: str = _from("HOST", reading.word, default="127.0.0.1")
    port: int = _from("PORT", reading.port, default=8001)
    grpc_port: int = _from("GRPC_PORT", reading.port, default=50051)
    metrics_host: str | None = _from("METRICS_HOST", reading.word)
    metrics_port: int = _from("METRICS_PORT", reading.port, default=9090)

    gcp_project_id: str = _from("GCP_PROJECT_ID", reading.word, default="local-dev-project")
    bigquery_location: str = _from("BIGQUERY_LOCATION", reading.word, default="US")
    bigquery_emulator_host: str | None = _from("BIGQUERY_EMULATOR_HOST", reading.endpoint)
    bigquery_storage_emulator_host: str | None = _from("BIGQUERY_STORAGE_EMULATOR_HOST", reading.word)
    kms_key_name: str | None = _from("KMS_KEY_NAME", reading.word)
    journal_url: Secret | None = _from("JOURNAL_URL", reading.journal)  # noqa: RUF009 - builds a field
    data_dir: Path = _from("DATA_DIR", reading.folder, default=Path(".data"))  # noqa: RUF009 - builds a field

    root_key: Secret | None = _from("CA_ROOT_API_KEY", reading.secret)  # noqa: RUF009 - builds a field
    disable_auth: bool = _from("DISABLE_AUTH", reading.boolean, default=False)
    cors_origins: tuple[str, ...] = _from("CORS_ORIGINS", reading.words, default=())
    rate_limit_enabled: bool = _from("RATE_LIMIT_ENABLED", reading.boolean, default=True)
    requests_per_minute: int = _from("RATE_LIMIT_REQUESTS_PER_MINUTE", reading.whole(1), default=100)
    global_requests_per_minute: int = _from("RATE_LIMIT_GLOBAL_REQUESTS_PER_MINUTE", reading.whole(1), default=10_000)
    runs_per_minute: int = _from("RATE_LIMIT_RUNS_PER_MINUTE", reading.whole(1), default=50)

    max_concurrent_runs: int = _from("MAX_CONCURRENT_RUNS", reading.whole(1, 10_000), default=100)
    max_concurrent_runs_per_org: int = _from("MAX_CONCURRENT_RUNS_PER_ORG", reading.whole(1, 10_000), default=5)
    max_waiting_runs_per_org: int = _from("MAX_WAITING_RUNS_PER_ORG", reading.whole(1), default=1000)
    max_waiting_runs: int = _from("MAX_WAITING_RUNS", reading.whole(1), default=100_000)
    lease_seconds: float = _from("LEASE_SECONDS", reading.seconds, default=30.0)
    heartbeat_seconds: float = _from("HEARTBEAT_SECONDS", reading.seconds, default=10.0)
    reap_seconds: float = _from("REAP_SECONDS", reading.seconds, default=5.0)
    publish_seconds: float = _from("PUBLISH_SECONDS", reading.seconds, default=60.0)
    run_retention_days: int = _from("RUN_RETENTION_DAYS", reading.whole(1, 3650), default=90)
    notify_org: str = _from("NOTIFY_ORG", reading.org, default="")
    notify_seconds: float = _from("NOTIFY_SECONDS", reading.seconds, default=2.0)
    shutdown_grace_seconds: float = _from("SHUTDOWN_GRACE_SECONDS", reading.seconds, default=8.0)

    openai_base_url: str | None = _from("OPENAI_BASE_URL", reading.url)
    anthropic_base_url: str | None = _from("ANTHROPIC_BASE_URL", reading.url)
    gcp_api_base_url: str | None = _from("GCP_API_BASE_URL", reading.url)
    gcp_token_url: str | None = _from("GCP_TOKEN_URL", reading.url)
    egress_allow: tuple[str, ...] = _from("EGRESS_ALLOW", reading.addresses, default=())
    failpoints: tuple[tuple[str, str], ...] = _from("FAILPOINTS", reading.pairs, default=())
    otlp_endpoint: str | None = _from("OTEL_EXPORTER_OTLP_ENDPOINT", reading.url)
    api_service_url: str = _from("API_SERVICE_URL", reading.url, default="http://localhost:8000")

    given: frozenset[str] = frozenset()
    proxies: tuple[str, ...] = ()

    @classmethod
    def parse(cls, environ: Mapping[str, str]) -> Settings:
        """Read every variable; raises SettingsError with all faults at once, without showing any value."""
        settings, faults = cls.read(environ)
        if faults:
            raise SettingsError(faults)
        return settings

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> tuple[Settings, tuple[str, ...]]:
        """Return what can be read, with defaults for what cannot, and all faults: more can be checked with these."""
        values: dict[str, Any] = {}
        given: set[str] = set()
        faults: list[str] = []
        for name, variable, read in _variables(cls):
            text = environ.get(variable, "")
            if not text:
                continue
            given.add(variable)
            try:
                values[name] = read(text)
            except ValueError as error:
                faults.append(f"{variable}: must be {error}")
        proxies = tuple(sorted(name for name in environ if name.lower() in PROXIES and environ[name]))
        settings = cls(**values, given=frozenset(given), proxies=proxies)
        return settings, (*faults, *_contradictions(settings))

    @property
    def production(self) -> bool:
        """Whether this is the real thing."""
        return self.environment == "production"

    @property
    def provider_urls(self) -> Mapping[str, str]:
        """Variable → URL for every provider whose base URL was set."""
        found = {
            "OPENAI_BASE_URL": self.openai_base_url,
            "ANTHROPIC_BASE_URL": self.anthropic_base_url,
            "GCP_API_BASE_URL": self.gcp_api_base_url,
            "GCP_TOKEN_URL": self.gcp_token_url,
        }
        return {variable: url for variable, url in found.items() if url}

    @property
    def token_key(self) -> bytes:
        """Key that authenticates page tokens: the same on every replica and after a restart, told to nobody."""
        parts = [part.reveal() for part in (self.root_key, self.journal_url) if part is not None]
        return hashlib.sha256("\x1f".join(["datapipeline page token", *parts]).encode()).digest()


def _variables(of: type[Any]) -> list[tuple[str, str, Callable[[str], Any]]]:
    return [
        (found.name, found.metadata["variable"], found.metadata["read"]) for found in attrs.fields(of) if found.metadata
    ]


def _contradictions(settings: Settings) -> list[str]:
    faults = []
    if "JOURNAL_URL" not in settings.given:
        faults.append("JOURNAL_URL: is required, postgresql://user:password@host:port/database")
    if settings.heartbeat_seconds * 2 > settings.lease_seconds:
        faults.append("HEARTBEAT_SECONDS: must be at most half of LEASE_SECONDS")
    ports = [port for port in (settings.port, settings.grpc_port, settings.metrics_port) if port]
    if len(ports) != len(set(ports)):
        faults.append("PORT, GRPC_PORT, METRICS_PORT: must differ (0 picks a free one)")
    return faults
