from __future__ import annotations

import io
import traceback

import pytest
import structlog
from prometheus_client import REGISTRY, generate_latest

from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import Behaviour
from tests.unit.rest.desk import CANARY, Desk
from workers.model.failure import FailedError
from workers.model.page import Auth

ECHO = f'{{"error": {{"message": "Incorrect API key provided: {CANARY}", "code": "{CANARY}"}}}}'.encode()


@pytest.mark.parametrize("kind", ["bearer", "header", "basic", "query"])
@pytest.mark.parametrize(
    "behaviour",
    [
        hostile.answer(ECHO, "401 Unauthorized"),
        hostile.answer(ECHO, "403 Forbidden"),
        hostile.answer(ECHO, "400 Bad Request"),
        hostile.answer(ECHO, f"500 {CANARY}"),
        hostile.answer(ECHO, "302 Found", Location=f"/?key={CANARY}"),
        hostile.text(f'{{"{CANARY}": 1, "{CANARY}": 1}}'),
        hostile.raw(f"HTTP/1.1 {CANARY}\r\n\r\n".encode()),
        hostile.raw(f"{CANARY}\r\n\r\n".encode()),
        hostile.reset_at_once,
        hostile.hang,
        hostile.bad_chunk(),
    ],
)
async def test_no_failure_shows_the_secret_or_a_query(
    hasty: Desk, kind: str, behaviour: Behaviour, capsys: pytest.CaptureFixture[str]
) -> None:
    hasty.auth, hasty.secret = Auth(kind, "key", "openai"), f"u:{CANARY}"
    hasty.limit(attempts=2)
    hasty.provider.script("/rows", behaviour)
    read = hasty.read(params=(("start_time", f"a-{CANARY}"),))
    with structlog.testing.capture_logs() as logs, pytest.raises(FailedError) as caught:
        await hasty.pages(read)
    shown = io.StringIO()
    traceback.print_exception(caught.value, file=shown)
    everything = f"{shown.getvalue()} {caught.value.failure!r} {logs} {capsys.readouterr()}"
    assert CANARY not in everything
    assert "start_time" not in everything
    assert caught.value.__context__ is None


async def test_calls_are_counted_by_provider_and_class_of_status(desk: Desk) -> None:
    def count(status: str) -> float:
        return REGISTRY.get_sample_value("provider_calls_total", {"provider": "openai", "status": status}) or 0.0

    before = {status: count(status) for status in ("2xx", "4xx", "5xx", "none", "other")}
    statuses = ("503 Busy", "429 Busy")
    desk.provider.script("/rows", *(hostile.answer(status=status) for status in statuses), hostile.rows())
    await desk.pages()
    desk.provider.script("/rows", hostile.reset_at_once, hostile.answer(status="999 Strange"))
    with pytest.raises(FailedError):
        await desk.pages()
    assert {status: count(status) - before[status] for status in before} == dict.fromkeys(before, 1.0)
    assert b"acme" not in generate_latest()
    assert b"127.0.0.1" not in generate_latest()
