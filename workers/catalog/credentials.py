"""The credentials that organisations stored: sealed rows of the platform's table in, secrets out, and new rows stored.

Nothing is kept here. A row opens only as what it was sealed as: organisation, provider and credential id are bound to
it. Which rows count: those that are active; among them VALID, PENDING and INVALID ones may be used, EXPIRED ones and
those whose status is unknown may not. A validation that failed switches nothing off by itself: it is shown instead,
by INTEGRATION_NOT_CONFIGURED where the credential is switched off or over, and by the error of a run that fails on it.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import attrs
from attrs import frozen

from workers.model.credential import Credential, CredentialType, ValidationStatus, Verdict, shown
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.secret import HANDED_IN, Secret, bound_data
from workers.ports import CentralWarehouse, Keys, Row, Schemas

LONGEST = 64 * 1024


@frozen
class Credentials:
    """Reads and writes the platform's table, and asks `keys` to seal and open.

    `names` gives every name a provider is stored under, its own first. Everything raises FailedError with
    CREDENTIAL_INVALID, CREDENTIAL_UNAVAILABLE or a WAREHOUSE_ reason.
    """

    _central: CentralWarehouse
    _keys: Keys
    _schemas: Schemas
    _names: Callable[[str], tuple[str, ...]] = lambda provider: (provider,)

    async def open(self, org: str, provider: str) -> Secret:
        """Return the secret that a run may use."""
        found = await self.find(org, provider)
        if found is None:
            raise absent(provider)
        return usable(found).secret

    async def find(self, org: str, provider: str) -> Credential | None:
        """Return the active credential whatever its last validation said; None when there is none."""
        sql = self._schemas.sql("system/sql/credential.sql")
        answer = await self._central.query(sql, {"org_slug": org, "providers": list(self._names(provider))})
        if not answer.rows:
            return None
        if len(answer.rows) > 1:
            raise _invalid(provider, f"is there {len(answer.rows)} times; only one may be active")
        row = answer.rows[0]
        return Credential(
            row["credential_id"],
            row["provider"],
            await self._opened(org, provider, row),
            row.get("validation_status") or "without a status",
            shown(row.get("last_error") or ""),
            row.get("last_validated_at"),
            _metadata(row.get("metadata")),
        )

    async def store(
        self,
        org: str,
        provider: str,
        secret: Secret,
        *,
        credential_id: str,
        name: str = "",
        kind: CredentialType | None = None,
        status: ValidationStatus = ValidationStatus.PENDING,
    ) -> str:
        """Store a secret in place of the active one, without a moment of none, and return its id.

        The id stands for one act of storing: done again, also after an outcome that stayed unknown, it changes
        nothing, and brings nothing back that was replaced since. Name, kind and metadata are the former row's where
        they are not given. CREDENTIAL_INVALID when the id is there already with another secret.
        """
        if not secret.reveal().strip():
            raise _invalid(provider, "would be empty; nothing is stored")
        names = self._names(provider)
        sealed = await self._keys.encrypt(secret.reveal().encode(), bound_data(org, names[0], credential_id))
        values = {
            "org_slug": org,
            "provider": names[0],
            "providers": list(names),
            "credential_id": credential_id,
            "credential_name": name,
            "credential_type": kind or "",
            "validation_status": status,
            "encrypted_credential": sealed,
        }
        answer = await self._central.execute(self._schemas.sql("system/sql/credential_store.sql"), values)
        row = answer.rows[0]
        if row["encrypted_credential"] != sealed:
            await self._check_same(org, provider, secret, row)
        return credential_id

    async def unseal(self, org: str, provider: str, sealed: str) -> Secret:
        """Open a secret that was sealed for an organisation and provider by others, in base64, and is not stored."""
        try:
            plain = await self._keys.decrypt(
                base64.b64decode(sealed, validate=True), bound_data(org, self._names(provider)[0], "", HANDED_IN)
            )
            return Secret(plain.decode())
        except ValueError:
            raise _invalid(provider, "was handed in damaged") from None
        except FailedError as error:
            message = f"the {provider} credential that was handed in cannot be opened: {error.failure.message}"
            raise FailedError(attrs.evolve(error.failure, message=message)) from None

    async def record(self, org: str, credential_id: str, verdict: Verdict, at: datetime) -> None:
        """Record what a validation found."""
        values = {
            "org_slug": org,
            "credential_id": credential_id,
            "status": verdict.status,
            "reason": verdict.reason,
            "validated_at": at,
        }
        await self._central.execute(self._schemas.sql("system/sql/credential_verdict.sql"), values)

    async def _opened(self, org: str, provider: str, row: Row) -> Secret:
        sealed = row.get("encrypted_credential")
        if not isinstance(sealed, bytes) or not 0 < len(sealed) <= LONGEST:
            raise _invalid(provider, "is stored empty or damaged")
        try:
            plain = await self._keys.decrypt(sealed, bound_data(org, row["provider"], row["credential_id"]))
        except FailedError as error:
            message = f"the {provider} credential cannot be opened: {error.failure.message}"
            raise FailedError(attrs.evolve(error.failure, message=message)) from None
        try:
            text = plain.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise _invalid(provider, "is not text") from None
        if not text:
            raise _invalid(provider, "is empty")
        return Secret(text)

    async def _check_same(self, org: str, provider: str, secret: Secret, row: Row) -> None:
        stored = await self._opened(org, provider, row)
        if not hmac.compare_digest(stored.reveal().encode(), secret.reveal().strip().encode()):
            raise _invalid(provider, f"{row['credential_id']} is stored already, with another secret")


def usable(credential: Credential) -> Credential:
    """Return a credential that runs may use; FailedError(CREDENTIAL_INVALID) when its status forbids it."""
    if credential.usable:
        return credential
    why = f" ({credential.last_error})" if credential.last_error else ""
    raise _invalid(credential.provider, f"is {credential.status}{why}; store it again")


def _metadata(stored: Any) -> Mapping[str, Any]:
    """Return what is kept with a credential, where it is a JSON object."""
    return stored if isinstance(stored, Mapping) else {}


def absent(provider: str) -> FailedError:
    """Build the error of a credential that nobody stored."""
    return _invalid(provider, "is not there, or switched off")


def _invalid(provider: str, what: str) -> FailedError:
    message = f"the {provider} credential {what}"
    return FailedError(
        Failure(Code.FAILED_PRECONDITION, Reason.CREDENTIAL_INVALID, message, metadata={"provider": provider})
    )
