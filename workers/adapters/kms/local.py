"""AES-256-GCM with a key in a file that only its owner may read. A `ports.Keys` for development.

A sealed value is a version byte, a nonce of 12 bytes and the ciphertext with its tag.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from workers.adapters.kms.refusals import does_not_open, unavailable

_VERSION = b"\x01"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class LocalKms:
    """Seals with the key in `key_file`, which is made on first use, once even if several processes start together."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    async def encrypt(self, plaintext: bytes, bound: bytes) -> bytes:
        """Seal."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plaintext, _VERSION + bound)

    async def decrypt(self, ciphertext: bytes, bound: bytes) -> bytes:
        """Open. FailedError(CREDENTIAL_INVALID) when it was sealed otherwise; _UNAVAILABLE without a usable key."""
        version, nonce, sealed = ciphertext[:1], ciphertext[1 : 1 + _NONCE_BYTES], ciphertext[1 + _NONCE_BYTES :]
        if version != _VERSION or len(nonce) < _NONCE_BYTES:
            raise does_not_open()
        try:
            return self._cipher.decrypt(nonce, sealed, _VERSION + bound)
        except InvalidTag:
            raise does_not_open() from None

    @cached_property
    def _cipher(self) -> AESGCM:
        try:
            if not self._key_file.exists():
                _create(self._key_file)
            key, mode = self._key_file.read_bytes(), self._key_file.stat().st_mode
        except OSError as error:
            raise unavailable(f"the local key file cannot be used: {error.strerror}", retryable=False) from None
        if mode & _OTHERS:
            raise unavailable("others may read the local key file; it must be mode 0600", retryable=False)
        if len(key) != _KEY_BYTES:
            raise unavailable("the local key file is damaged", retryable=False)
        return AESGCM(key)


def _create(key_file: Path) -> None:
    """Write the whole key aside and link it in: whoever comes second finds the first one's key."""
    key_file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=key_file.parent, prefix=f".{key_file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(AESGCM.generate_key(_KEY_BYTES * 8))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(aside, key_file)
    finally:
        Path(aside).unlink()
