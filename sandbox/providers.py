"""The providers a sandbox has: how each is simulated, and what kind of credential its customers hold."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import frozen

from sandbox.anthropic.launch import AnthropicSimulator
from sandbox.google.account import new_key_file
from sandbox.google.launch import GoogleSimulator
from sandbox.openai.launch import Simulator
from sandbox.simulator import SimulatorProcess


@frozen
class Provider:
    """One provider; `name` is its part of the stack, `slug` what its credentials are stored under.

    Where `url_setting` or `token_setting` is set, those addresses are used and nothing is simulated; `key_setting`
    gives the credential to use there, or with `key_in_file` the file it is in.
    """

    name: str
    slug: str
    url_setting: str
    key_setting: str
    credential_name: str
    new_key: Callable[[], str]
    simulate: Callable[[str, int], SimulatorProcess]
    credential_type: str = "API_KEY"
    key_in_file: bool = False
    token_setting: str = ""

    def simulated(self, given: Mapping[str, str]) -> bool:
        """Say whether an environment leaves it to the sandbox."""
        return not any(given.get(setting) for setting in (self.url_setting, self.token_setting) if setting)

    def given_key(self, given: Mapping[str, str]) -> str | None:
        """Return the credential that an environment gives."""
        said = given.get(self.key_setting)
        return Path(said).read_text(encoding="utf-8") if said and self.key_in_file else said

    def urls(self, parts: Mapping[str, object], given: Mapping[str, str]) -> dict[str, str]:
        """Return where it answers, by setting."""
        part = parts.get(self.name)
        if not isinstance(part, SimulatorProcess):
            settings = (self.url_setting, self.token_setting)
            return {setting: given[setting] for setting in settings if given.get(setting)}
        token = {self.token_setting: f"{part.origin}/token"} if self.token_setting else {}
        return {self.url_setting: part.base_url, **token}


def _openai(key: str, port: int) -> SimulatorProcess:
    return Simulator(key, port=port)


def _anthropic(key: str, port: int) -> SimulatorProcess:
    return AnthropicSimulator(key, port=port)


def _google(key_file: str, port: int) -> SimulatorProcess:
    return GoogleSimulator(key_file, port=port)


def _prefixed(prefix: str) -> Callable[[], str]:
    return lambda: prefix + secrets.token_urlsafe(24)


PROVIDERS = (
    Provider(
        "openai",
        "OPENAI",
        "OPENAI_BASE_URL",
        "SANDBOX_OPENAI_KEY",
        "OpenAI admin key",
        _prefixed("sk-admin-"),
        _openai,
    ),
    Provider(
        "anthropic",
        "ANTHROPIC",
        "ANTHROPIC_BASE_URL",
        "SANDBOX_ANTHROPIC_KEY",
        "Anthropic admin key",
        _prefixed("sk-ant-admin01-"),
        _anthropic,
    ),
    Provider(
        "google",
        "GCP_SA",
        "GCP_API_BASE_URL",
        "SANDBOX_GCP_SA_FILE",
        "Google service account",
        new_key_file,
        _google,
        credential_type="SERVICE_ACCOUNT_JSON",
        key_in_file=True,
        token_setting="GCP_TOKEN_URL",  # noqa: S106 - a setting's name
    ),
)
