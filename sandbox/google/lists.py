"""Pages of lists as each API shapes them: plain ones, and Compute's map of zones. Pure but for the estate it is given.

Page tokens are opaque: where the next page begins, bound to what was asked for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from sandbox.google.answers import RefusedError
from sandbox.google.estate import ZONES, Estate, Resource

REPEATED, UNREACHABLE = "repeated_cursor", "unreachable"
GONE = "us-east1-b"
"""The zone that cannot be reached under the fault `unreachable`."""

_EMPTY = -1


@attrs.frozen
class Asked:
    """One request for a page: its path and query, and the fault that is in force ("" for none)."""

    path: str
    query: Mapping[str, str]
    fault: str = ""

    def size(self, name: str, default: int, most: int) -> int:
        """Return how many rows are wanted; more than there may be are cut, as Google's lists do."""
        text = self.query.get(name, "")
        if text and not (text.isascii() and text.isdigit()):
            raise RefusedError(400, f"Invalid value for {name}: {text[:40]}")
        return min(int(text or default) or default, most)

    def position(self) -> int:
        """Return where the page begins; raises RefusedError for a token of another list."""
        token = self.query.get("pageToken", "")
        if not token:
            return 0
        try:
            said, position = json.loads(base64.urlsafe_b64decode(token))
        except (binascii.Error, ValueError, TypeError):
            said, position = "", 0
        if said != self._digest():
            raise RefusedError(400, "The page token is invalid.")
        return int(position)

    def token(self, position: int) -> str:
        """Return the token of the page that begins at a position."""
        return base64.urlsafe_b64encode(json.dumps([self._digest(), position]).encode()).decode()

    def _digest(self) -> str:
        others = sorted((name, value) for name, value in self.query.items() if name != "pageToken")
        return hashlib.sha256(repr((self.path, others)).encode()).hexdigest()[:12]


def plain(asked: Asked, name: str, rows: Sequence[Resource], size: int) -> bytes:
    """Write a page of a plain list: without rows it is `{}`, without a next page there is no token, or an empty one."""
    begin = asked.position()
    end = begin + size
    page: dict[str, Any] = {}
    if begin < len(rows):
        page[name] = rows[begin:end]
    if end < len(rows) or asked.fault == REPEATED:
        page["nextPageToken"] = asked.token(begin if asked.fault == REPEATED else end)
    elif begin:
        page["nextPageToken"] = ""
    return json.dumps(page).encode()


def aggregated(asked: Asked, project: str, found: Sequence[tuple[str, Resource]], size: int) -> bytes:
    """Write a page of a list in the shape of a map: every zone is named on every page, most of them with a warning.

    After the first page comes one on which no zone has anything, as a scan over zones may give.
    """
    begin = asked.position()
    here = [] if begin == _EMPTY else list(found[begin : begin + size])
    items: dict[str, Any] = {f"zones/{zone}": _nothing(zone) for zone in sorted(ZONES)}
    for zone, instance in here:
        held = items[f"zones/{zone}"]
        items[f"zones/{zone}"] = {"instances": [*held.get("instances", ()), instance]}
    page: dict[str, Any] = {
        "kind": "compute#instanceAggregatedList",
        "id": f"projects/{project}/aggregated/instances",
        "items": items,
        "selfLink": f"https://www.googleapis.com/compute/v1/projects/{project}/aggregated/instances",
    }
    following = _following(asked, begin, size, len(found))
    if following is not None:
        page["nextPageToken"] = asked.token(following)
    if asked.fault == UNREACHABLE:
        _without(page, asked)
    return json.dumps(page).encode()


def _following(asked: Asked, begin: int, size: int, count: int) -> int | None:
    if asked.fault == REPEATED:
        return begin
    if begin == 0 and size < count:
        return _EMPTY
    end = size if begin == _EMPTY else begin + size
    return end if end < count else None


def _without(page: dict[str, Any], asked: Asked) -> None:
    if asked.query.get("returnPartialSuccess") != "true":
        raise RefusedError(503, f"The zone {GONE} is currently unavailable.")
    page["items"][f"zones/{GONE}"] = {"warning": {"code": "UNREACHABLE", "message": f"{GONE} could not be reached."}}
    page["unreachables"] = [page["id"].replace("aggregated/instances", f"zones/{GONE}")]
    page["warning"] = {"code": "PARTIAL_SUCCESS", "message": "Some scopes could not be reached."}


def _nothing(zone: str) -> dict[str, Any]:
    scope = f"zones/{zone}"
    message = f"There are no results for scope '{scope}' on this page."
    data = [{"key": "scope", "value": scope}]
    return {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": message, "data": data}}


Write = Callable[[Estate, Asked, Mapping[str, str]], bytes]


def billing_accounts(estate: Estate, asked: Asked, _parts: Mapping[str, str]) -> bytes:
    """`cloudbilling.billingAccounts.list`."""
    return plain(asked, "billingAccounts", estate.billing_accounts(), asked.size("pageSize", 100, 100))


def projects(estate: Estate, asked: Asked, parts: Mapping[str, str]) -> bytes:
    """`cloudbilling.billingAccounts.projects.list`."""
    rows = estate.projects_of(f"billingAccounts/{parts['account']}")
    if rows is None:
        raise RefusedError(403, "The caller does not have permission", "IAM_PERMISSION_DENIED")
    return plain(asked, "projectBillingInfo", rows, asked.size("pageSize", 100, 100))


def skus(estate: Estate, asked: Asked, parts: Mapping[str, str]) -> bytes:
    """`cloudbilling.services.skus.list`."""
    rows = estate.skus(parts["service"], asked.query.get("currencyCode", "USD"))
    if rows is None:
        raise RefusedError(404, "Requested entity was not found.")
    return plain(asked, "skus", rows, asked.size("pageSize", 5000, 5000))


def instances(estate: Estate, asked: Asked, parts: Mapping[str, str]) -> bytes:
    """`compute.instances.aggregatedList`."""
    found = estate.instances(parts["project"])
    if asked.fault == UNREACHABLE:
        found = [(zone, instance) for zone, instance in found if zone != GONE]
    return aggregated(asked, parts["project"], found, asked.size("maxResults", 500, 500))
