"""A courier that is killed after its letter has arrived: the letter arrives again, and is seen to be the same."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.fakes.mail_server import MailServer
from tests.fakes.post_office import MAIL, Post, fail, settings

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[3]


async def courier(post: Post, mail: MailServer, **environment: str) -> int:
    """Let a process carry once; return how it ended."""
    arguments = ("-m", "tests.fakes.courier_process", post.url, str(post.shop.folder), f"localhost:{mail.port}")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, env={**os.environ, **environment}, stdout=asyncio.subprocess.DEVNULL
    )
    return await process.wait()


@pytest.mark.fault("F72")
async def test_a_kill_between_sending_and_forgetting_sends_the_same_mail_again(post: Post) -> None:
    await post.ended(work=fail)
    async with MailServer() as mail:
        smtp = f"smtp: {{host: localhost, port: {mail.port}, tls: none, from_address: dp@service.example}}"
        settings(post.shop).write_text(MAIL.replace("COOLDOWN", "0").partition("smtp:")[0] + smtp)
        assert await courier(post, mail, FAILPOINTS="letter.before_forget=kill") == -signal.SIGKILL
        assert await post.query("SELECT count(*) FROM letter WHERE due_at > now()") == 1
        await post.query("UPDATE letter SET due_at = now()")
        assert await courier(post, mail) == 0
    first, second = mail.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert await post.query("SELECT count(*) FROM letter") == 0
