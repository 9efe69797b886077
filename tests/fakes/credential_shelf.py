"""Stored credentials as a dictionary by provider, with what was done to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import define, field

from workers.model.credential import Credential, Verdict
from workers.model.failure import FailedError
from workers.model.secret import Secret


@define
class CredentialShelf:
    """Promises what `workers.catalog.credentials.Credentials` does; `away` makes recording fail."""

    stored: dict[str, Credential] = field(factory=dict)
    acts: list[tuple[str, str, str, dict[str, Any]]] = field(factory=list)
    verdicts: list[tuple[str, Verdict]] = field(factory=list)
    away: FailedError | None = None

    def put(self, provider: str, secret: str, status: str = "PENDING", **more: Any) -> None:
        self.stored[provider] = Credential(f"c_{provider}", provider, Secret(secret), status, **more)

    async def find(self, _org: str, provider: str) -> Credential | None:
        return self.stored.get(provider)

    async def store(self, org: str, provider: str, secret: Secret, *, credential_id: str, **more: Any) -> str:
        self.acts.append((org, provider, secret.reveal(), more))
        self.stored[provider] = Credential(credential_id, provider, secret)
        return credential_id

    async def unseal(self, _org: str, _provider: str, sealed: str) -> Secret:
        return Secret(sealed.removeprefix("sealed:"))

    async def record(self, _org: str, credential_id: str, verdict: Verdict, _at: datetime) -> None:
        if self.away:
            raise self.away
        self.verdicts.append((credential_id, verdict))
