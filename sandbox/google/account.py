"""The service account that customers of the simulated Google hold: its key file, made once, and its public key."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PROJECT = "acme-prod"
EMAIL = f"pipelines@{PROJECT}.iam.gserviceaccount.com"
AUDIENCE = "https://oauth2.googleapis.com/token"


class KeyFileError(ValueError):
    """A text that is not the key file of a service account."""


def new_key_file(bits: int = 2048) -> str:
    """Make a key file with a key of its own, as the console hands it out."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": f"{key.public_key().public_numbers().n % 2**160:040x}",
            "private_key": private.decode(),
            "client_email": EMAIL,
            "client_id": "100000000000000000001",
            "token_uri": AUDIENCE,
        }
    )


class Account:
    """What the token endpoint knows of a service account: never its private key."""

    def __init__(self, key_file: str) -> None:
        members = _members(key_file)
        private = serialization.load_pem_private_key(members["private_key"].encode(), None)
        public = private.public_key()
        if not isinstance(public, rsa.RSAPublicKey):
            raise KeyFileError("the key is not an RSA key")
        self.email = str(members["client_email"])
        self.project = str(members["project_id"])
        self.key_id = str(members["private_key_id"])
        self.key = public


def _members(key_file: str) -> dict[str, Any]:
    try:
        members = json.loads(key_file)
        needed = {"client_email", "project_id", "private_key_id", "private_key"}
        if members["type"] != "service_account" or not needed <= members.keys():
            raise KeyFileError("this is not the key file of a service account")
    except (ValueError, TypeError, KeyError):
        raise KeyFileError("this is not the key file of a service account") from None
    return dict(members)
