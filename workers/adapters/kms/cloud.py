"""Google Cloud KMS by its asyncio client, every value checked by CRC32C on both ways. A `ports.Keys`."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import google_crc32c
from google.api_core import exceptions as api
from google.api_core.retry import AsyncRetry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud.kms_v1 import (
    DecryptRequest,
    DecryptResponse,
    EncryptRequest,
    EncryptResponse,
    KeyManagementServiceAsyncClient,
)
from google.cloud.kms_v1.services.key_management_service.transports import (
    KeyManagementServiceGrpcAsyncIOTransport,
)
from grpc.aio import Channel
from prometheus_client import Counter

from workers.adapters.kms.refusals import does_not_open, unavailable
from workers.model.failure import FailedError

failures = Counter(
    "key_failures_total", "Calls of Cloud KMS that failed, by why: an alarm stands on any but away", ["why"]
)

_PASSING = (
    api.ServiceUnavailable,
    api.DeadlineExceeded,
    api.ResourceExhausted,
    api.InternalServerError,
    api.Aborted,
    api.Unknown,
)


class CloudKms:
    """Seals with the primary version of `key_name`; opens with whichever version sealed.

    An async context manager. Without a `channel` it dials Google with the application's default credentials, on first
    use. A call takes `seconds` at most, and `tries_seconds` with its repetitions.
    """

    def __init__(
        self, key_name: str, *, channel: Channel | None = None, seconds: float = 5.0, tries_seconds: float = 15.0
    ) -> None:
        self._key_name = key_name
        self._channel = channel
        self._seconds = seconds
        self._retry = AsyncRetry(
            predicate=if_exception_type(api.ServiceUnavailable), initial=0.1, maximum=2.0, timeout=tries_seconds
        )
        self._made: KeyManagementServiceAsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._made is not None:
            await self._made.transport.close()

    async def encrypt(self, plaintext: bytes, bound: bytes) -> bytes:
        """Seal. FailedError(CREDENTIAL_UNAVAILABLE) when KMS cannot; retryable unless it forbids it."""
        request = EncryptRequest(
            name=self._key_name,
            plaintext=plaintext,
            plaintext_crc32c=google_crc32c.value(plaintext),
            additional_authenticated_data=bound,
            additional_authenticated_data_crc32c=google_crc32c.value(bound),
        )
        try:
            sealed: EncryptResponse = await self._client().encrypt(request, retry=self._retry, timeout=self._seconds)
        except api.InvalidArgument:
            raise does_not_open("Cloud KMS does not seal this value; it takes 64 KiB at most") from None
        except (api.GoogleAPICallError, api.RetryError, GoogleAuthError) as error:
            raise _refusal(error) from None
        heard = sealed.verified_plaintext_crc32c and sealed.verified_additional_authenticated_data_crc32c
        _check(heard=bool(heard), value=sealed.ciphertext, crc=sealed.ciphertext_crc32c)
        return bytes(sealed.ciphertext)

    async def decrypt(self, ciphertext: bytes, bound: bytes) -> bytes:
        """Open. FailedError: CREDENTIAL_INVALID when it does not open, else CREDENTIAL_UNAVAILABLE as `encrypt`."""
        request = DecryptRequest(
            name=self._key_name,
            ciphertext=ciphertext,
            ciphertext_crc32c=google_crc32c.value(ciphertext),
            additional_authenticated_data=bound,
            additional_authenticated_data_crc32c=google_crc32c.value(bound),
        )
        try:
            opened: DecryptResponse = await self._client().decrypt(request, retry=self._retry, timeout=self._seconds)
        except (api.GoogleAPICallError, api.RetryError, GoogleAuthError) as error:
            raise _refusal(error) from None
        _check(heard=True, value=opened.plaintext, crc=opened.plaintext_crc32c)
        return bytes(opened.plaintext)

    def _client(self) -> KeyManagementServiceAsyncClient:
        if self._made is None:
            try:
                self._made = _dial(self._channel)
            except GoogleAuthError:
                raise unavailable("no credentials for Cloud KMS", retryable=False) from None
        return self._made


def _dial(channel: Channel | None) -> KeyManagementServiceAsyncClient:
    if channel is None:
        return KeyManagementServiceAsyncClient(transport="grpc_asyncio")
    return KeyManagementServiceAsyncClient(transport=KeyManagementServiceGrpcAsyncIOTransport(channel=channel))


def _check(*, heard: bool, value: bytes, crc: Any) -> None:
    if not heard or google_crc32c.value(value) != crc:
        raise unavailable("a value was damaged on its way to or from Cloud KMS", retryable=True)


def _refusal(error: Exception) -> FailedError:
    match error:
        case api.InvalidArgument():
            return does_not_open()
        case api.FailedPrecondition():
            why, what = "disabled", "the version of the Cloud KMS key is disabled or destroyed"
        case api.PermissionDenied() | api.Unauthenticated():
            why, what = "denied", "Cloud KMS denies the use of the key"
        case api.NotFound():
            why, what = "absent", "the Cloud KMS key does not exist"
        case _:
            why, what = "away", "Cloud KMS does not answer"
    failures.labels(why).inc()
    return unavailable(what, retryable=isinstance(error, (*_PASSING, api.RetryError, GoogleAuthError)))
