"""Next links, from a body or a Link header (RFC 8288), followed only to the scheme, host and port they came from."""

from __future__ import annotations

import re

from yarl import URL

_LINK = re.compile(r"<([^<>]*)>([^<>]*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)


def next_in_header(header: str) -> str:
    """Return the target whose relation types hold `next`; empty when there is none."""
    for target, parameters in _LINK.findall(header):
        rel = _REL.search(parameters)
        if rel and "next" in (rel[1] or rel[2] or "").lower().split():
            return str(target)
    return ""


def followed(current: URL, link: str) -> URL | None:
    """Resolve a link against the page it stood on; None when it leaves the origin or cannot be read."""
    try:
        target = current.join(URL(link, encoded=True)).with_fragment(None)
        same = target.origin() == current.origin()
    except ValueError:
        return None
    return target if same and target.raw_user is None and target.raw_password is None else None
