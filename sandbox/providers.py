"""The providers a sandbox has: how each is simulated, and what kind of key its customers hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from sandbox.anthropic.launch import AnthropicSimulator
from sandbox.openai.launch import Simulator
from sandbox.simulator import SimulatorProcess


@frozen
class Provider:
    """One provider; `name` is its part of the stack, `slug` what its credentials are stored under.

    Where `url_setting` is set, that address is used and nothing is simulated; `key_setting` gives the key to use there.
    """

    name: str
    slug: str
    url_setting: str
    key_setting: str
    key_prefix: str
    credential_name: str
    simulate: Callable[[str, int], SimulatorProcess]

    def base_url(self, parts: Mapping[str, object], given: Mapping[str, str]) -> str:
        """Return where it answers."""
        part = parts.get(self.name)
        return part.base_url if isinstance(part, SimulatorProcess) else given[self.url_setting]


def _openai(key: str, port: int) -> SimulatorProcess:
    return Simulator(key, port=port)


def _anthropic(key: str, port: int) -> SimulatorProcess:
    return AnthropicSimulator(key, port=port)


PROVIDERS = (
    Provider("openai", "OPENAI", "OPENAI_BASE_URL", "SANDBOX_OPENAI_KEY", "sk-admin-", "OpenAI admin key", _openai),
    Provider(
        "anthropic",
        "ANTHROPIC",
        "ANTHROPIC_BASE_URL",
        "SANDBOX_ANTHROPIC_KEY",
        "sk-ant-admin01-",
        "Anthropic admin key",
        _anthropic,
    ),
)
