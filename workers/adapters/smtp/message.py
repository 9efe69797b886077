"""A letter as a mail. Its id comes of the letter's key, so that a mail that arrives twice is seen to be the same."""

from __future__ import annotations

import hashlib
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from workers.model.notice import Letter, MailServer, lines, one_line


def message_of(letter: Letter, server: MailServer) -> EmailMessage:
    """Build the mail."""
    message = EmailMessage(policy=SMTP)
    name, _, domain = server.sender.rpartition("@")
    message["From"] = Address(one_line(server.sender_name), name, domain)
    message["To"] = _addresses(letter.to)
    if letter.cc:
        message["Cc"] = _addresses(letter.cc)
    message["Subject"] = one_line(letter.subject)
    digest = hashlib.sha256(letter.key.encode()).hexdigest()[:40]
    message["Message-ID"] = f"<{digest}@{domain}>"
    message["X-Notice-Key"] = one_line(letter.key)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(lines(letter.text))
    return message


def _addresses(plain: tuple[str, ...]) -> tuple[Address, ...]:
    return tuple(Address(addr_spec=one) for one in dict.fromkeys(plain))
