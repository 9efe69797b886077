"""A stored credential, what became of its last validation, and what it has to look like before it is stored. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from workers.model.failure import Failure, Reason
from workers.model.secret import Secret

LONGEST = 60 * 1024
"""Bytes of a credential: Cloud KMS seals 64 KiB at most."""

MOST_SHOWN = 300

_KEY_LIKE = re.compile(r"(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}|-----BEGIN.*")
_SERVICE_ACCOUNT = ("project_id", "private_key_id", "private_key", "client_email", "token_uri")


class ValidationStatus(StrEnum):
    """What is known of a stored credential.

    PENDING was never tried. INVALID was refused by its provider when it was last tried, which may have been the
    provider's mistake or is mended there (a scope is granted), so runs still start on it and show why they fail.
    EXPIRED is over: runs do not start on it.
    """

    VALID = "VALID"
    INVALID = "INVALID"
    PENDING = "PENDING"
    EXPIRED = "EXPIRED"


USABLE = frozenset({ValidationStatus.VALID, ValidationStatus.PENDING, ValidationStatus.INVALID})


class CredentialType(StrEnum):
    """What is stored: an opaque text (key, token, password, webhook URL) or a service account's key file."""

    API_KEY = "API_KEY"
    SERVICE_ACCOUNT_JSON = "SERVICE_ACCOUNT_JSON"


@frozen
class Credential:
    """A stored credential, opened; `metadata` is what the platform keeps with it in the clear."""

    credential_id: str
    provider: str
    secret: Secret
    status: str = ValidationStatus.PENDING
    last_error: str = ""
    last_validated_at: datetime | None = None
    metadata: Mapping[str, Any] = field(factory=dict)

    @property
    def usable(self) -> bool:
        """Whether a run may use it."""
        return self.status in USABLE


@frozen
class Verdict:
    """What a validation found; `reason` is empty for VALID, and never quotes the credential or the provider."""

    status: ValidationStatus
    reason: str = ""


@frozen
class CredentialForm:
    """What a provider's credentials look like; `prefix` is how an API key begins."""

    type: CredentialType = CredentialType.API_KEY
    prefix: str = ""

    def objection(self, secret: Secret) -> str:
        """Say what is wrong with the form of a secret, without quoting it; empty when nothing is."""
        text = secret.reveal()
        if not text.strip():
            return "it is empty"
        if text != text.strip() or len(text.encode()) > LONGEST:
            return f"it has blanks around it or more than {LONGEST} bytes"
        if self.type is CredentialType.SERVICE_ACCOUNT_JSON:
            return _service_account_objection(text)
        return "" if text.startswith(self.prefix) else f"it does not begin with {self.prefix}"


def shown(stored_error: str) -> str:
    """Return what may be shown of a stored error, whoever wrote it: one short line without anything like a key."""
    return _KEY_LIKE.sub("***", " ".join(stored_error.split()))[:MOST_SHOWN]


def verdict_of(failure: Failure, needs: str) -> Verdict | None:
    """Return what a failed trial says of the credential; None when it says nothing of it, but of the provider's health.

    `needs` is what a credential has to be for the call of the trial.
    """
    status, code = failure.metadata.get("status", ""), failure.metadata.get("provider_code", "")
    match failure.reason:
        case Reason.CREDENTIAL_INVALID:
            return Verdict(ValidationStatus.INVALID, failure.message)
        case Reason.PROVIDER_AUTH:
            over = "expired" in code.lower()
            said = " ".join(filter(None, ("the provider answered", status, f"({code})" if code else "")))
            wanted = f"; it takes {needs}" if needs else ""
            return Verdict(ValidationStatus.EXPIRED if over else ValidationStatus.INVALID, f"{said}{wanted}")
        case _:
            return None


def credential_id(*parts: object) -> str:
    """Return the id of a credential that one act stores: the same act, done again, has the same id."""
    return f"cred_{hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:32]}"


def _service_account_objection(text: str) -> str:
    try:
        said: Any = json.loads(text)
    except ValueError:
        return "it is not JSON"
    if not isinstance(said, dict) or said.get("type") != "service_account":
        return "it is not the key file of a service account"
    missing = [name for name in _SERVICE_ACCOUNT if not isinstance(said.get(name), str) or not said[name]]
    return f"it has no {', '.join(missing)}" if missing else ""
