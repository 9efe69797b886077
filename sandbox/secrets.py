"""Keys of the sandbox's organisations and the root key: made once per data directory, readable by its owner only."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from attrs import asdict, frozen

from sandbox.providers import PROVIDERS


@frozen
class SandboxSecrets:
    """Root key, API key per organisation, and the key of the organisation's account at each provider, by slug."""

    root_key: str
    api_keys: dict[str, str]
    provider_keys: dict[str, str]

    @property
    def openai_key(self) -> str:
        """The key of OpenAI's simulated organisation."""
        return self.provider_keys["OPENAI"]

    @classmethod
    def keep(cls, folder: Path, orgs: tuple[str, ...], given: Mapping[str, str]) -> SandboxSecrets:
        """Read what is kept in `folder`, add what is missing, and write it back; `given` is the environment."""
        path = folder / "secrets.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        api_keys, kept = known.get("api_keys", {}), known.get("provider_keys", {})
        found = cls(
            root_key=known.get("root_key") or f"root_{secrets.token_urlsafe(36)}",
            api_keys=api_keys | {org: f"{org}_{secrets.token_urlsafe(24)}" for org in orgs if org not in api_keys},
            provider_keys={one.slug: one.given_key(given) or kept.get(one.slug) or one.new_key() for one in PROVIDERS},
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(found), file)
        return found
