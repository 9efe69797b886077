"""Letters through a real mail server: TLS both ways, passwords, refusals, and what others wrote in them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tests.fakes import mail_server
from tests.fakes.certificates import certificate
from workers.adapters.smtp import SmtpNotifier
from workers.model.failure import FailedError
from workers.model.notice import Channel, Letter, MailServer
from workers.model.secret import Secret
from workers.ports import Way

LETTER = Letter(
    "r1-ended-email",
    "acme",
    Channel.EMAIL,
    "lane",
    "[dp] acme-openai failed",
    "It failed.\nżółw",
    ("ops@acme.example", "a@acme.example"),
    ("boss@acme.example",),
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost with its key, which is its own authority."""
    return certificate("localhost", tmp_path_factory.mktemp("tls"))


@pytest.fixture
def offered(authority: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    return context


@pytest.fixture
def notifier(authority: Path) -> SmtpNotifier:
    return SmtpNotifier(loopback, ssl.create_default_context(cafile=str(authority)))


async def loopback(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.fixture
async def plain() -> AsyncIterator[mail_server.MailServer]:
    async with mail_server.MailServer() as server:
        yield server


def way(server: mail_server.MailServer, tls: str = "none", password: str = "") -> Way:
    user = "reports" if password else ""
    at = MailServer("localhost", server.port, tls, user, "dp@service.example", "Data Pipelines", 5.0)
    return Way(at, Secret(password) if password else None)


async def refused(notifier: SmtpNotifier, how: Way, letter: Letter = LETTER) -> Any:
    with pytest.raises(FailedError) as raised:
        await notifier.send(letter, how)
    return raised.value.failure


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_letter_arrives_over_tls_with_a_password(
    notifier: SmtpNotifier, offered: ssl.SSLContext, tls: str
) -> None:
    async with mail_server.MailServer(offered, implicit=tls == "implicit", password="pa55") as server:
        await notifier.send(LETTER, way(server, tls, "pa55"))
        wrong = await refused(notifier, way(server, tls, "no-such-word"))
    (mail,) = server.mails
    assert server.secured == [True]
    assert (mail["From"], mail["Subject"]) == ("Data Pipelines <dp@service.example>", LETTER.subject)
    assert (mail["To"], mail["Cc"]) == ("ops@acme.example, a@acme.example", "boss@acme.example")
    assert mail.get_content().split() == ["It", "failed.", "żółw"]
    assert server.recipients == [["ops@acme.example", "a@acme.example", "boss@acme.example"]]
    assert wrong.retryable
    assert "no-such-word" not in wrong.message


async def test_the_same_letter_sent_twice_has_the_same_id(
    notifier: SmtpNotifier, plain: mail_server.MailServer
) -> None:
    for letter in (LETTER, LETTER, evolve(LETTER, key="r2-ended-email")):
        await notifier.send(letter, way(plain))
    first, second, other = (mail["Message-ID"] for mail in plain.mails)
    assert first == second != other


async def test_a_server_that_nobody_vouches_for_or_without_tls_gets_nothing(
    offered: ssl.SSLContext, notifier: SmtpNotifier, plain: mail_server.MailServer
) -> None:
    async with mail_server.MailServer(offered, password="pa55") as server:
        assert (await refused(SmtpNotifier(loopback), way(server, "starttls", "pa55"))).retryable
        assert server.mails == []
    assert (await refused(notifier, way(plain, "starttls", "pa55"))).retryable
    assert plain.mails == []


@pytest.mark.parametrize(("answer", "retryable"), [("451 later", True), ("554 never", False)])
async def test_what_a_server_answers_says_whether_to_try_again(
    notifier: SmtpNotifier, plain: mail_server.MailServer, answer: str, *, retryable: bool
) -> None:
    plain.answers = [f"{answer} SECRET-TEXT"]
    failure = await refused(notifier, way(plain))
    assert (failure.retryable, "SECRET" in failure.message) == (retryable, False)
    await notifier.send(LETTER, way(plain))
    assert len(plain.mails) == 1


async def test_a_refused_recipient_keeps_nothing_from_the_others(
    notifier: SmtpNotifier, plain: mail_server.MailServer
) -> None:
    plain.refused = {"a@acme.example": "550 no such user"}
    await notifier.send(LETTER, way(plain))
    assert plain.recipients == [["ops@acme.example", "boss@acme.example"]]
    plain.refused = dict.fromkeys((*LETTER.to, *LETTER.cc), "550 no such user")
    assert not (await refused(notifier, way(plain))).retryable
    plain.refused["ops@acme.example"] = "450 busy"
    assert (await refused(notifier, way(plain))).retryable


async def test_a_server_that_is_dead_silent_or_may_not_be_dialled_is_tried_again(
    plain: mail_server.MailServer, notifier: SmtpNotifier
) -> None:
    async def nowhere(_host: str, _port: int) -> Sequence[str]:
        return []

    assert (await refused(SmtpNotifier(nowhere), way(plain))).retryable
    how = way(plain)
    assert how.server is not None
    assert (await refused(notifier, Way(evolve(how.server, port=1)))).retryable


async def test_a_server_that_took_the_mail_and_says_no_farewell_gets_it_once(
    plain: mail_server.MailServer, notifier: SmtpNotifier
) -> None:
    how, plain.mute = way(plain), True
    assert how.server is not None
    await notifier.send(LETTER, Way(evolve(how.server, timeout_seconds=0.5)))
    assert len(plain.mails) == 1


async def test_what_others_wrote_adds_no_header_and_no_recipient(
    notifier: SmtpNotifier, plain: mail_server.MailServer
) -> None:
    evil = "x\r\nBcc: evil@evil.example\r\n\r\n.\r\nMAIL FROM:<evil@evil.example>\u2028\x85\x00"
    await notifier.send(evolve(LETTER, subject=evil, text=evil, key=evil), way(plain))
    (mail,) = plain.mails
    assert plain.recipients == [["ops@acme.example", "a@acme.example", "boss@acme.example"]]
    assert mail["Bcc"] is None
    assert mail["Subject"] == "x Bcc: evil@evil.example . MAIL FROM:<evil@evil.example>"
    assert mail.get_content().splitlines()[3:] == [".", "MAIL FROM:<evil@evil.example> "]
