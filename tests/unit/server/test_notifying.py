"""The service's own notifications name whose credentials they use, or nothing starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.clock import SystemClock
from server.notifying import notice_faults, open_notifiers
from server.settings import Settings
from workers.catalog import Catalog
from workers.catalog.notice_files import ChannelFile, EmailFile, SmtpFile
from workers.catalog.notifications import Notifications
from workers.model.notice import Channel
from workers.rest import Egress

JOURNAL = {"JOURNAL_URL": "postgresql://svc:pw@db:5432/journal"}
NAMED = JOURNAL | {"NOTIFY_ORG": "platform"}
SMTP = SmtpFile("smtp.example.com", "a@b.example", username="reports")


@pytest.mark.parametrize(
    "declared", [Notifications(EmailFile(smtp=SMTP)), Notifications(slack=ChannelFile(enabled=True))]
)
def test_a_stored_credential_needs_an_organisation_that_stored_it(declared: Notifications) -> None:
    (fault,) = notice_faults(Settings.parse(JOURNAL), declared)
    assert fault.startswith("NOTIFY_ORG: must name the organisation")
    assert notice_faults(Settings.parse(NAMED), declared) == ()


def test_what_is_shipped_needs_none_and_tells_nobody() -> None:
    shipped = Catalog.load(Path("configs")).notifications
    assert notice_faults(Settings.parse(JOURNAL), shipped) == ()
    assert not any(shipped.terms("acme", channel, None).enabled for channel in Channel)


def test_an_organisation_is_named_as_organisations_are() -> None:
    _, faults = Settings.read(JOURNAL | {"NOTIFY_ORG": "Not-An-Org"})
    assert [fault.partition(":")[0] for fault in faults] == ["NOTIFY_ORG"]


def test_there_is_a_way_for_every_channel() -> None:
    with open_notifiers(Egress(), SystemClock()) as ways:
        assert set(ways) == set(Channel)
