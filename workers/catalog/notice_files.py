"""What files may say of notifications: the service's own settings, an organisation's, and a pipeline's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import and_, ge, gt, le, optional

from workers.catalog.egress import url_fault
from workers.catalog.faults import Fault
from workers.model.notice import Event, is_plain_address
from workers.model.resolve import Path

MOST_RECIPIENTS = 50
LONGEST_PREFIX = 60

_DOMAIN = re.compile(r"[^@]+@[^@]+\.[^@.]{2,}\Z")


def is_address(_owner: Any, attribute: Attribute[Any], value: str) -> None:
    """Refuse what is not a plain mail address."""
    if not _is_public(value):
        raise ValueError(f"{attribute.name!r} must be a mail address, not {value[:80]!r}")


def are_addresses(_owner: Any, attribute: Attribute[Any], value: tuple[str, ...] | None) -> None:
    """Refuse what are not plain mail addresses, or too many of them."""
    wrong = [one[:80] for one in value or () if not _is_public(one)]
    if wrong:
        raise ValueError(f"{attribute.name!r} must be mail addresses, not {wrong[0]!r}")
    if len(value or ()) > MOST_RECIPIENTS:
        raise ValueError(f"{attribute.name!r} must be at most {MOST_RECIPIENTS} addresses")


def _is_public(address: str) -> bool:
    return is_plain_address(address) and _DOMAIN.match(address) is not None


def is_plain(_owner: Any, attribute: Attribute[Any], value: str | None) -> None:
    """Refuse what does not fit into one line of a header."""
    if value is not None and (not value.isprintable() or len(value) > LONGEST_PREFIX):
        raise ValueError(f"{attribute.name!r} must be one line of at most {LONGEST_PREFIX} characters")


@frozen
class SmtpFile:
    """A mail server. With a `username` the password is the stored credential SMTP, never written here."""

    host: str
    from_address: str = field(validator=is_address)
    port: int = field(default=587, validator=and_(ge(1), le(65535)))
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str = field(default="", validator=is_plain)
    from_name: str = field(default="", validator=is_plain)
    timeout_seconds: float = field(default=20.0, validator=and_(gt(0), le(120)))


@frozen
class ChannelFile:
    """What every channel may be told; what is not said is taken from the file around, and from there onwards."""

    enabled: bool | None = None
    events: tuple[Event, ...] | None = None
    cooldown_minutes: float | None = field(default=None, validator=optional(and_(ge(0), le(7 * 24 * 60))))
    subject_prefix: str | None = field(default=None, validator=is_plain)


@frozen
class EmailFile(ChannelFile):
    """Mail: to whom, and by which server."""

    to: tuple[str, ...] | None = field(default=None, validator=are_addresses)
    cc: tuple[str, ...] | None = field(default=None, validator=are_addresses)
    smtp: SmtpFile | None = None


@frozen
class OrgFile:
    """configs/orgs/{org}/notifications.yml. An `smtp` here is taken whole, with the organisation's own password."""

    email: EmailFile = EmailFile()
    slack: ChannelFile = ChannelFile()


@frozen
class PipelineNotices(ChannelFile):
    """`notifications` of a pipeline, for all channels and for each."""

    email: EmailFile = EmailFile()
    slack: ChannelFile = ChannelFile()


def smtp_faults(smtp: SmtpFile | None, allowed: frozenset[str], path: Path) -> Iterator[Fault]:
    """Yield what is wrong with a mail server; `allowed` are `host:port` that may be spoken to without TLS."""
    if smtp is None or f"{smtp.host}:{smtp.port}" in allowed:
        return
    if why := url_fault(f"https://{smtp.host}/", frozenset()):
        yield Fault((*path, "host"), why)
    if smtp.tls == "none":
        yield Fault((*path, "tls"), "mail may go without TLS only where EGRESS_ALLOW names host:port")
