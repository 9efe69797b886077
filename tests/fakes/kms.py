"""Cloud KMS as far as symmetric keys go, over gRPC, with the messages google-cloud-kms itself publishes.

AES-256-GCM with bound additional data, CRC32C both ways, key versions with rotation, the limit of 64 KiB, and faults
to switch on. Given nothing; hands on an `address` and the name of its one key.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, Self

import google_crc32c
import grpc
import grpc.aio
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.cloud.kms_v1 import DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse

KEY_NAME = "projects/p/locations/global/keyRings/r/cryptoKeys/k"
_LIMIT = 64 * 1024
_NONCE = 12


class FakeKms:
    """An async context manager.

    `refusals` are statuses answered first, one a call; `damaged` flips a bit of what is answered; `deaf` never says
    that checksums of the request were seen. It hangs while `answering` is cleared; `asked` says that a call hangs.
    With a `certificate` (key and certificate as PEM) it speaks TLS, as Google does.
    """

    def __init__(self, certificate: bytes = b"") -> None:
        self._certificate = certificate
        self.address = ""
        self.calls = 0
        self.refusals: list[grpc.StatusCode] = []
        self.damaged = self.deaf = False
        self.disabled: set[int] = set()
        self.answering, self.asked = asyncio.Event(), asyncio.Event()
        self.answering.set()
        self._versions = [AESGCM(AESGCM.generate_key(256))]

    async def __aenter__(self) -> Self:
        self._server = grpc.aio.server()
        handlers = {
            "Encrypt": _handler(self._encrypt, EncryptRequest, EncryptResponse),
            "Decrypt": _handler(self._decrypt, DecryptRequest, DecryptResponse),
        }
        service = grpc.method_handlers_generic_handler("google.cloud.kms.v1.KeyManagementService", handlers)
        self._server.add_generic_rpc_handlers((service,))
        self.address = f"127.0.0.1:{self._listen('127.0.0.1:0')}"
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(None)

    def _listen(self, address: str) -> int:
        if not self._certificate:
            return int(self._server.add_insecure_port(address))
        pair = (self._certificate, self._certificate)
        return int(self._server.add_secure_port(address, grpc.ssl_server_credentials([pair])))

    def rotate(self) -> None:
        """Make a new primary version; older ones still open what they sealed."""
        self._versions.append(AESGCM(AESGCM.generate_key(256)))

    async def _encrypt(self, request: Any, context: Any) -> Any:
        await self._admit(request, context)
        plaintext, bound = request.plaintext, request.additional_authenticated_data
        if len(plaintext) > _LIMIT or len(bound) > _LIMIT:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the limit is 64 KiB")
        await _check(plaintext, request.plaintext_crc32c, context)
        await _check(bound, request.additional_authenticated_data_crc32c, context)
        version, nonce = len(self._versions), os.urandom(_NONCE)
        sealed = bytes([version]) + nonce + self._versions[-1].encrypt(nonce, plaintext, bound)
        return EncryptResponse(
            name=f"{KEY_NAME}/cryptoKeyVersions/{version}",
            ciphertext=self._perhaps_damaged(sealed),
            ciphertext_crc32c=google_crc32c.value(sealed),
            verified_plaintext_crc32c=not self.deaf,
            verified_additional_authenticated_data_crc32c=not self.deaf,
        )

    async def _decrypt(self, request: Any, context: Any) -> Any:
        await self._admit(request, context)
        sealed, bound = request.ciphertext, request.additional_authenticated_data
        await _check(sealed, request.ciphertext_crc32c, context)
        await _check(bound, request.additional_authenticated_data_crc32c, context)
        plaintext = await self._open(sealed, bound, context)
        return DecryptResponse(
            plaintext=self._perhaps_damaged(plaintext), plaintext_crc32c=google_crc32c.value(plaintext)
        )

    async def _open(self, sealed: bytes, bound: bytes, context: Any) -> bytes:
        version = sealed[0] if sealed else 0
        if version in self.disabled:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "the version is disabled")
        try:
            return self._versions[version - 1].decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], bound)
        except (InvalidTag, IndexError, ValueError):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "Decryption failed")
            raise

    async def _admit(self, request: Any, context: Any) -> None:
        self.calls += 1
        if not self.answering.is_set():
            self.asked.set()
        await self.answering.wait()
        if self.refusals:
            await context.abort(self.refusals.pop(0), "switched on")
        if request.name != KEY_NAME:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"{request.name} not found")

    def _perhaps_damaged(self, value: bytes) -> bytes:
        return bytes([value[0] ^ 1]) + value[1:] if self.damaged else value


def _handler(behaviour: Callable[[Any, Any], Awaitable[Any]], request: Any, response: Any) -> Any:
    return grpc.unary_unary_rpc_method_handler(
        behaviour, request_deserializer=request.deserialize, response_serializer=response.serialize
    )


async def _check(value: bytes, checksum: int | None, context: Any) -> None:
    if checksum is not None and checksum != google_crc32c.value(value):
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a checksum does not match")
