"""Keys of the sandbox's organisations and the root key: made once per data directory, readable by its owner only."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from attrs import asdict, frozen


@frozen
class SandboxSecrets:
    """Root key, API key per organisation, and the key of the simulated OpenAI organisation."""

    root_key: str
    api_keys: dict[str, str]
    openai_key: str

    @classmethod
    def keep(cls, folder: Path, orgs: tuple[str, ...], openai_key: str | None) -> SandboxSecrets:
        """Read what is kept in `folder`, add keys for new organisations, and write it back."""
        path = folder / "secrets.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        api_keys = known.get("api_keys", {})
        found = cls(
            root_key=known.get("root_key") or f"root_{secrets.token_urlsafe(36)}",
            api_keys=api_keys | {org: f"{org}_{secrets.token_urlsafe(24)}" for org in orgs if org not in api_keys},
            openai_key=openai_key or known.get("openai_key") or f"sk-admin-{secrets.token_urlsafe(24)}",
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(found), file)
        return found
