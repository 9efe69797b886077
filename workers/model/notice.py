"""Notices: what is told of a run and to whom, before anything is sent. Pure.

A text made of what others wrote (names, errors, templates) is made safe here: one line for a header, nothing that is
scanned twice, bounded in length.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from attrs import frozen

LONGEST_SUBJECT = 200
LONGEST_TEXT = 8000

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_CONTROLS_BUT_NEWLINE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_FACT = re.compile(r"\{([a-z_]+)\}")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(
    rf"(?=[^@]{{1,64}}@.{{1,253}}\Z){_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]{{1,63}}(?:\.[A-Za-z0-9-]{{1,63}})*\Z"
)


class Event(StrEnum):
    """What may be told."""

    PIPELINE_STARTED = "pipeline_started"
    PIPELINE_SUCCESS = "pipeline_success"
    PIPELINE_FAILURE = "pipeline_failure"
    PIPELINE_WARNING = "pipeline_warning"
    DATA_QUALITY_FAILURE = "data_quality_failure"
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    SYSTEM_ERROR = "system_error"


class Channel(StrEnum):
    """How it is told."""

    EMAIL = "email"
    SLACK = "slack"


PROVIDERS = {Channel.EMAIL: "SMTP", Channel.SLACK: "SLACK"}
"""Under which name the credential of a channel is stored."""

FACTS = (
    "event",
    "org_slug",
    "pipeline_id",
    "run_id",
    "run_date",
    "status",
    "start_time",
    "end_time",
    "duration",
    "step",
    "reason",
    "error",
)
"""What a template may name; each is empty where it is not known."""


@frozen
class Notice:
    """What a step asks to have told when its run has ended.

    `subject` and `message` are templates over FACTS; empty ones stand for the usual text, and no recipients for those
    of the settings.
    """

    channel: Channel
    subject: str = ""
    message: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()


@frozen
class Terms:
    """What one channel is to tell of one pipeline to one organisation, all settings taken together."""

    enabled: bool = False
    events: frozenset[Event] = frozenset()
    cooldown_minutes: float = 0.0
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    subject_prefix: str = ""

    @cached_property
    def audience(self) -> str:
        """Name the people: whoever hears of one pipeline only shares no cooldown with those who hear of all."""
        return hashlib.sha256("\n".join((*self.to, "", *self.cc)).encode()).hexdigest()[:16]


@frozen
class MailServer:
    """Where mail is handed in. `tls` is starttls, implicit or none; with a `username` there is a stored password."""

    host: str
    port: int
    tls: str
    username: str
    sender: str
    sender_name: str = ""
    timeout_seconds: float = 20.0


@frozen
class Letter:
    """A notice ready to be sent. `key` tells it from every other one, also when it is sent twice by accident.

    Letters of one `lane` are sent in order.
    """

    key: str
    org: str
    channel: Channel
    lane: str
    subject: str
    text: str
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()


@frozen
class Posting:
    """A letter that somebody has undertaken to send: the `attempts`-th time, first written at `created_at`."""

    letter_id: int
    letter: Letter
    attempts: int
    created_at: datetime


@frozen
class Pause:
    """Until when people hear nothing more of an event of an organisation, and what is kept for them till then."""

    until: datetime
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    subject_prefix: str = ""
    held: tuple[str, ...] = ()
    more: int = 0


def one_line(text: str, longest: int = LONGEST_SUBJECT) -> str:
    """Return text that may stand in a header: no control characters, no runs of blanks, bounded."""
    plain = " ".join(_CONTROLS.sub(" ", text).split())
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def lines(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return text of several lines without control characters, bounded."""
    plain = _CONTROLS_BUT_NEWLINE.sub(" ", text.replace("\r\n", "\n"))
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def is_plain_address(text: str) -> bool:
    """Whether text is a mail address that stands in a header as it is, without quotes or encoding."""
    return _ADDRESS.match(text) is not None


def fill(template: str, facts: Mapping[str, str]) -> str:
    """Replace each `{fact}` once; what a fact holds is not scanned again, and what names none stays as it is."""
    return _FACT.sub(lambda found: facts.get(found[1], found[0]), template)


def unknown_facts(template: str) -> tuple[str, ...]:
    """Return what a template names that is no fact."""
    return tuple(found for found in _FACT.findall(template) if found not in FACTS)
