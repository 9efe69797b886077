"""A failing and a recovering run of the running service, and what arrives at a real mail server of them."""

from __future__ import annotations

from tests.e2e.stack.annex import OPENING
from tests.e2e.stack.conftest import Annexed
from tests.fakes.until import until


async def test_a_failure_and_its_recovery_arrive_as_mails(annexed: Annexed) -> None:
    annex = annexed.annex
    assert (await annex.ended("told", annexed.told)).status == "FAILED"
    assert (await annex.ended("told", await annex.start("told", OPENING))).status == "COMPLETED"

    async def arrived() -> bool:
        return len(annex.mail.mails) == 3

    await until(arrived)
    subjects = [str(mail["Subject"]) for mail in annex.mail.mails]
    assert sorted(subjects) == [
        "[data-pipeline] told CREDENTIAL_INVALID",
        "[data-pipeline] told-told-smoke-open failed",
        "[data-pipeline] told-told-smoke-open has recovered after 1 failed run",
    ]
    assert subjects[-1].endswith("recovered after 1 failed run")
    assert sorted(annex.mail.recipients) == [["boss@told.example"], ["ops@told.example"], ["ops@told.example"]]
