"""What the settings must say outside development: pure, given the settings and the process's limits."""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import urlsplit

from server.settings import Settings

OPEN_FILES = 4096
ROOT_KEY_LENGTH = 32

_KMS_KEY = re.compile(r"projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+\Z")
_PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]\Z")
_WEAK_WORDS = ("changeme", "password", "example", "qwerty", "letmein")


def settings_faults(settings: Settings, open_files: int) -> tuple[str, ...]:
    """Return what in the settings keeps this environment from starting; `open_files` is the process's soft limit."""
    faults = []
    if settings.environment != "development":
        faults += _development_only(settings)
    if settings.production:
        faults += _access(settings) + _cloud(settings) + _process(settings, open_files)
    return tuple(faults)


def _development_only(settings: Settings) -> list[str]:
    faults = []
    if settings.disable_auth:
        faults.append("DISABLE_AUTH: is for development only")
    if settings.failpoints:
        faults.append("FAILPOINTS: is for development only")
    return faults


def _access(settings: Settings) -> list[str]:
    faults = []
    if not settings.rate_limit_enabled:
        faults.append("RATE_LIMIT_ENABLED: must be true in production")
    key = settings.root_key.reveal() if settings.root_key else ""
    if len(key) < ROOT_KEY_LENGTH:
        faults.append(f"CA_ROOT_API_KEY: must have at least {ROOT_KEY_LENGTH} characters in production")
    elif _weak(key):
        faults.append("CA_ROOT_API_KEY: is too easy to guess; use for example `openssl rand -hex 32`")
    if not settings.cors_origins or not all(_explicit(origin) for origin in settings.cors_origins):
        faults.append("CORS_ORIGINS: must list https origins in production, without wildcard or localhost")
    return faults


def _weak(key: str) -> bool:
    steps = [ord(after) - ord(before) for before, after in pairwise(key)]
    return (
        len(set(key)) < ROOT_KEY_LENGTH // 4
        or key in (key + key)[1:-1]
        or any(word in key.lower() for word in _WEAK_WORDS)
        or max(steps.count(1), steps.count(-1)) > len(key) // 2
    )


def _explicit(origin: str) -> bool:
    parts = urlsplit(origin)
    host = parts.hostname or ""
    local = host in {"localhost", "::1", "0.0.0.0"} or host.startswith("127.")  # noqa: S104 - refused here
    return parts.scheme == "https" and bool(host) and "*" not in origin and not local and not parts.path.strip("/")


def _cloud(settings: Settings) -> list[str]:
    faults = []
    if "GCP_PROJECT_ID" not in settings.given or not _PROJECT.match(settings.gcp_project_id):
        faults.append("GCP_PROJECT_ID: must name the Google Cloud project in production")
    if not _KMS_KEY.match(settings.kms_key_name or ""):
        faults.append("KMS_KEY_NAME: must be projects/…/locations/…/keyRings/…/cryptoKeys/… in production")
    refused = ("BIGQUERY_EMULATOR_HOST", "BIGQUERY_STORAGE_EMULATOR_HOST", "EGRESS_ALLOW")
    faults += [f"{variable}: is not allowed in production" for variable in refused if variable in settings.given]
    plain = [variable for variable, url in settings.provider_urls.items() if not url.startswith("https://")]
    faults += [f"{variable}: must be https in production" for variable in plain]
    return faults


def _process(settings: Settings, open_files: int) -> list[str]:
    faults = [f"{name}: proxy variables are not allowed in production" for name in settings.proxies]
    if open_files < OPEN_FILES:
        faults.append(f"open files: the limit is {open_files}, at least {OPEN_FILES} are needed (ulimit -n)")
    return faults
