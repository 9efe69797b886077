"""One row of the table: what is sent, through which door, and what must come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from tests.e2e.stack.wrong_input.said import Said
from tests.e2e.stack.wrong_input.sending import Sent

Json = Mapping[str, Any]


@frozen
class Refused:
    """A refusal, the same over REST and gRPC; `naming` is every field that it must name, none when that is open."""

    status: int
    code: str
    reason: str
    naming: frozenset[str] = frozenset()

    def of(self, *fields: str) -> Refused:
        """Return this refusal naming fields."""
        return Refused(self.status, self.code, self.reason, frozenset(fields))

    def check(self, said: Said) -> None:
        """Assert that this is what was said, in the one shape."""
        assert (said.code, said.reason) == (self.code, self.reason), said.shown
        assert said.status in (None, self.status), said.shown
        assert said.request_id, said.shown
        assert not self.naming or said.fields == self.naming, said.shown


@frozen
class Served:
    """An answer that is no refusal and holds this."""

    holding: Json = field(factory=dict)

    def check(self, said: Said) -> None:
        """Assert that this is what was said."""
        assert said.code == "OK", said.shown
        assert {name: said.value.get(name) for name in self.holding} == self.holding, said.shown


@frozen
class Ended:
    """A refusal by what stands before all that knows our shape: gRPC itself, or the end of the connection."""

    codes: frozenset[str]

    @classmethod
    def by(cls, *codes: str) -> Ended:
        """With one of these codes; CLOSED for none at all."""
        return cls(frozenset(codes))

    def check(self, said: Said) -> None:
        """Assert that it ended so."""
        assert said.code in self.codes, said.shown


Expected = Refused | Served | Ended

NO_KEY = Refused(401, "UNAUTHENTICATED", "KEY_INVALID")
WRONG_KIND = Refused(403, "PERMISSION_DENIED", "KEY_KIND_NOT_ALLOWED")
NOT_YOURS = Refused(403, "PERMISSION_DENIED", "ORG_MISMATCH")
OVER = Refused(403, "PERMISSION_DENIED", "SUBSCRIPTION_INACTIVE")
NOWHERE = Refused(404, "NOT_FOUND", "METHOD_NOT_FOUND")
NO_METHOD = Refused(501, "UNIMPLEMENTED", "METHOD_NOT_FOUND")
NO_PIPELINE = Refused(404, "NOT_FOUND", "PIPELINE_NOT_FOUND")
NO_RUN = Refused(404, "NOT_FOUND", "RUN_NOT_FOUND")
BAD = Refused(400, "INVALID_ARGUMENT", "REQUEST_INVALID")
BAD_PARAMETERS = Refused(400, "INVALID_ARGUMENT", "PARAMETERS_INVALID")
BAD_TOKEN = Refused(400, "INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")
CONFLICT = Refused(409, "ALREADY_EXISTS", "IDEMPOTENCY_MISMATCH")
TOO_LARGE = Refused(413, "RESOURCE_EXHAUSTED", "REQUEST_TOO_LARGE")
HEADERS_TOO_LARGE = Refused(431, "RESOURCE_EXHAUSTED", "REQUEST_TOO_LARGE")
TOO_LATE = Refused(408, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")


@frozen
class Row:
    """`first` is sent before; the journal must stand as it did after that, unless the row is served."""

    item: str
    name: str
    sent: Sent
    expected: Expected
    first: Sequence[Sent] = ()

    @property
    def id(self) -> str:
        """What the test is called by."""
        return f"{self.item}-{type(self.sent).__name__.lower()}-{self.name}"


def item(name: str) -> str:
    """Name the entry of tests/house/bad_input.py that a row sends."""
    return name
