"""What an exception of the transport means. The exception itself goes no further: it may quote a URL with a key."""

from __future__ import annotations

import ssl

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientPayloadError,
    ClientResponseError,
    InvalidURL,
    SocketTimeoutError,
)

from workers.model.failure import Reason
from workers.rest.resolver import ForbiddenAddressError
from workers.rest.trouble import Trouble, bad_response

TransportErrors = (ClientError, OSError, TimeoutError, ValueError)


def trouble_of(error: Exception) -> Trouble:
    """Classify what aiohttp raised, in words of our own."""
    if isinstance(error, (ClientConnectorCertificateError, ssl.CertificateError)):
        return bad_response("has a certificate that is not valid")
    if isinstance(error, ClientConnectorDNSError):
        return _unresolved(error)
    if isinstance(error, InvalidURL):
        return Trouble(Reason.CONFIG_INVALID, "is not a URL that can be asked")
    if isinstance(error, ClientResponseError):
        return bad_response("did not answer in well-formed HTTP", retryable=True)
    if isinstance(error, ClientPayloadError):
        return bad_response("broke off or garbled its body", retryable=True)
    return _away(error)


def _unresolved(error: ClientConnectorDNSError) -> Trouble:
    if isinstance(error.os_error, ForbiddenAddressError):
        return Trouble(Reason.CONFIG_INVALID, "has a host without an address that may be dialled")
    return Trouble(Reason.PROVIDER_UNAVAILABLE, "has a host whose name does not resolve", retryable=True)


def _away(error: Exception) -> Trouble:
    if isinstance(error, SocketTimeoutError):
        what = "sent nothing for too long"
    elif isinstance(error, TimeoutError):
        what = "did not answer in time"
    elif isinstance(error, ClientConnectorError):
        what = "cannot be reached"
    elif isinstance(error, (ClientError, OSError)):
        what = "dropped the connection"
    else:
        return Trouble(Reason.CONFIG_INVALID, "cannot be asked: a header or parameter is not valid")
    return Trouble(Reason.PROVIDER_UNAVAILABLE, what, retryable=True)
