"""Secrets, as one step of one run may reach them."""

from __future__ import annotations

from typing import Protocol

from workers.model.credential import Credential, CredentialType, ValidationStatus, Verdict
from workers.model.secret import Secret


class Vault(Protocol):
    """One organisation's stored credentials, and the secrets that the steps of one run hand on in memory.

    Raises FailedError with CREDENTIAL_INVALID, CREDENTIAL_UNAVAILABLE or a WAREHOUSE_ reason.
    """

    async def secret(self, name: str, secret_key: str = "") -> Secret:
        """Return the secret of a provider, or one kept by name.

        Looks for what this step or a completed one kept under `name`, then for the stored credential, then for what
        was kept under `secret_key`. A run that goes on in another process finds, instead of what was kept, the stored
        credential that it was read from.
        """

    async def stored(self, provider: str) -> Credential:
        """Return the active credential whatever its last validation said."""

    async def unseal(self, provider: str, sealed: str) -> Secret:
        """Open a secret that was handed in sealed, in base64, and is not stored yet.

        It was sealed under the service's key with `model.secret.bound_data(org, provider, "", HANDED_IN)` bound to it.
        """

    def keep(self, name: str, secret: Secret) -> None:
        """Hand a secret on to later steps of this run, in memory only."""

    async def store(
        self,
        provider: str,
        secret: Secret,
        *,
        name: str = "",
        kind: CredentialType | None = None,
        status: ValidationStatus = ValidationStatus.PENDING,
    ) -> str:
        """Store a secret in place of the active one, without a moment of none; return its credential id.

        Once for the step and the name: another attempt of the step that stores the same changes nothing more.
        """

    async def record(self, credential_id: str, verdict: Verdict) -> None:
        """Record what a validation found, with the time."""
