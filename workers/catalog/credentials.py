"""Opens the credential that an organisation stored for a provider: one sealed row in, one Secret out, nothing kept."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from attrs import frozen

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.org import Integration
from workers.model.secret import Secret, bound_data
from workers.ports import CentralWarehouse, Keys, Row, Schemas

LONGEST = 64 * 1024


@frozen
class Credentials:
    """Reads the platform's table and asks `keys` to open; `names` gives every name a provider is stored under.

    A row opens only as what it was sealed as: organisation, provider and credential id are bound to it.
    """

    _central: CentralWarehouse
    _keys: Keys
    _schemas: Schemas
    _names: Callable[[str], tuple[str, ...]] = lambda provider: (provider,)

    async def open(self, org: str, provider: str) -> Secret:
        """Return the secret; raises FailedError with CREDENTIAL_INVALID, CREDENTIAL_UNAVAILABLE or WAREHOUSE_*."""
        row = await self._row(org, provider)
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

    async def _row(self, org: str, provider: str) -> Row:
        sql = self._schemas.sql("system/sql/credential.sql")
        answer = await self._central.query(sql, {"org_slug": org, "providers": list(self._names(provider))})
        if not answer.rows:
            raise _invalid(provider, "is not there, or switched off")
        if len(answer.rows) > 1:
            raise _invalid(provider, f"is there {len(answer.rows)} times; only one may be active")
        row = answer.rows[0]
        status = row.get("validation_status") or "without a status"
        if not Integration(row["credential_id"], row["provider"], status).usable:
            raise _invalid(provider, f"is {status}; store it again")
        return row


def _invalid(provider: str, what: str) -> FailedError:
    message = f"the {provider} credential {what}"
    return FailedError(
        Failure(Code.FAILED_PRECONDITION, Reason.CREDENTIAL_INVALID, message, metadata={"provider": provider})
    )
