"""What a request says beside its fields' rules: parameters, idempotency key, page size."""

from __future__ import annotations

import re

from google.protobuf.struct_pb2 import Struct

from server.convert.values import NotJsonError, plain
from workers.model.failure import Code, FailedError, Failure, Reason, Violation, refused

DEFAULT_PAGE = 20
LARGEST_PAGE = 100
MOST_PARAMETER_BYTES = 64 * 1024
"""Encoded; far above what typed parameters may have, so that only what is refused anyway is not even looked at."""

_KEY = re.compile(r"[ -~]{1,128}\Z")


def parameters_of(struct: Struct) -> dict[str, object]:
    """Return the parameters as they came; raises FailedError(PARAMETERS_INVALID) for what no JSON can be.

    So it does for more than anything may need.
    """
    if struct.ByteSize() > MOST_PARAMETER_BYTES:
        raise _unfit("the parameters are too large", Violation("parameters", "are too large"))
    given: dict[str, object] = {}
    wrong: list[Violation] = []
    for name, value in struct.fields.items():
        try:
            given[name] = plain(value)
        except NotJsonError as error:
            wrong.append(Violation(name, str(error)))
    if wrong:
        raise _unfit("the parameters are not valid: what JSON cannot hold", *wrong)
    return given


def _unfit(message: str, *violations: Violation) -> FailedError:
    return FailedError(Failure(Code.INVALID_ARGUMENT, Reason.PARAMETERS_INVALID, message, violations=violations))


def domain_of(text: str) -> str:
    """Return the domain; a dash in the path stands for none."""
    return "" if text == "-" else text


def idempotency_key_of(values: tuple[str, ...]) -> str | None:
    """Return the key of a call, None when none was sent; raises FailedError(REQUEST_INVALID) for one that is none."""
    if not values:
        return None
    if len(values) > 1 or not _KEY.match(values[0]) or not values[0].strip():
        raise refused(
            Code.INVALID_ARGUMENT,
            Reason.REQUEST_INVALID,
            "idempotency-key must be sent once, with 1 to 128 printable ASCII characters",
            field="idempotency-key",
        )
    return values[0]


def page_size_of(page_size: int, limit: int) -> int:
    """Return how many entries are wanted: `limit` is the other name, 0 means 20, and more than 100 means 100."""
    return min(page_size or limit or DEFAULT_PAGE, LARGEST_PAGE)
