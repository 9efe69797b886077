from __future__ import annotations

import io
import json
import traceback
from base64 import b64encode
from urllib.parse import parse_qsl

import pytest
import structlog
from attrs import evolve

from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import Behaviour, Heard
from tests.unit.rest.desk import CANARY, Desk, MakeReader
from tests.unit.rest.tokens.conftest import asked, bearers, granting
from workers.model.failure import FailedError, Reason, SnoozeError
from workers.rest import Timeouts

GRANT = {"access_token": "t", "expires_in": 3600}


def form(heard: Heard) -> dict[str, str]:
    return dict(parse_qsl(heard.body.decode()))


def refusal(code: str, status: str = "400 Bad Request") -> Behaviour:
    return hostile.answer(json.dumps({"error": code, "error_description": f"Not {CANARY}."}).encode(), status)


async def test_a_client_names_itself_in_a_header(oauth: Desk) -> None:
    await oauth.rows()
    heard = asked(oauth)[0]
    assert heard.headers["authorization"] == f"Basic {b64encode(b'me%40x:s%26cret').decode()}"
    assert form(heard) == {"grant_type": "client_credentials", "scope": " ".join(oauth.auth.scopes)}
    assert heard.headers["content-type"] == "application/x-www-form-urlencoded"


async def test_a_client_names_itself_in_the_form_where_that_is_declared(oauth: Desk) -> None:
    oauth.auth = evolve(oauth.auth, client_auth="body", scopes=(), audience="https://api.example.com")
    await oauth.rows()
    assert form(asked(oauth)[0]) == {
        "grant_type": "client_credentials",
        "client_id": "me@x",
        "client_secret": "s&cret",
        "audience": "https://api.example.com",
    }
    assert "authorization" not in asked(oauth)[0].headers


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope"])
async def test_a_refusal_names_the_code_and_nothing_else(oauth: Desk, code: str) -> None:
    oauth.provider.script("/token", refusal(code))
    with pytest.raises(FailedError) as caught:
        await oauth.rows()
    failure = caught.value.failure
    assert failure.reason is Reason.PROVIDER_AUTH
    assert failure.metadata["provider_code"] == code
    assert failure.message == f"POST {oauth.provider.url}/token: answered 400: {code} (attempt 1)"
    assert bearers(oauth) == []


async def test_a_code_that_no_specification_has_is_not_shown(oauth: Desk) -> None:
    oauth.provider.script("/token", refusal(CANARY, "401 Unauthorized"))
    with pytest.raises(FailedError, match=r"/token: answered 401 \(attempt 1\)"):
        await oauth.rows()


@pytest.mark.parametrize(
    "status", ["408 Timeout", "429 Slow", "500 Broken", "502 Bad", "503 Busy", "504 Late", "400 Odd"]
)
async def test_what_passes_is_tried_again(oauth: Desk, status: str) -> None:
    code = "internal_failure" if status.startswith("400") else "x"
    oauth.provider.script("/token", refusal(code, status), granting(oauth))
    await oauth.rows()
    assert len(asked(oauth)) == 2


@pytest.mark.parametrize("broken", [hostile.reset_at_once, hostile.close_at_once, hostile.reset_in_body])
async def test_a_dropped_connection_is_tried_again(oauth: Desk, broken: Behaviour) -> None:
    oauth.provider.script("/token", broken, granting(oauth))
    await oauth.rows()
    assert len(asked(oauth)) == 2


async def test_attempts_are_bounded(oauth: Desk) -> None:
    oauth.limit(attempts=3)
    oauth.provider.script("/token", hostile.answer(status="503 Busy"))
    with pytest.raises(FailedError) as caught:
        await oauth.rows()
    assert (caught.value.failure.reason, caught.value.failure.retryable) == (Reason.PROVIDER_UNAVAILABLE, True)
    assert len(asked(oauth)) == 3


async def test_a_long_wait_gives_the_slot_back(oauth: Desk) -> None:
    oauth.provider.script("/token", hostile.answer(status="429 Slow", Retry_After="120"))
    with pytest.raises(SnoozeError) as caught:
        await oauth.rows()
    assert caught.value.delay == 120
    assert not oauth.clock.slept


@pytest.mark.parametrize(
    "answer",
    [
        hostile.text("{}"),
        hostile.text("[]"),
        hostile.text("nonsense"),
        hostile.text(json.dumps(GRANT | {"access_token": f"a\r\n{CANARY}"})),
        hostile.text(json.dumps(GRANT | {"access_token": 7})),
        hostile.text(json.dumps(GRANT | {"token_type": "mac"})),
        hostile.text(json.dumps(GRANT | {"expires_in": "soon"})),
        hostile.text(json.dumps(GRANT | {"expires_in": True})),
        hostile.text(json.dumps(GRANT | {"refresh_token": 7})),
        hostile.text(json.dumps(GRANT | {"more": "x" * 70_000})),
        hostile.answer(json.dumps(GRANT).encode(), content_type="text/html"),
        hostile.gzip_bomb(1 << 20),
        hostile.answer(status="404 Not Found"),
        hostile.answer(status="302 Found", Location="https://evil.example.com/token"),
    ],
)
async def test_an_answer_that_grants_nothing_is_a_bad_one(oauth: Desk, answer: Behaviour) -> None:
    oauth.provider.script("/token", answer)
    with pytest.raises(FailedError) as caught:
        await oauth.rows()
    assert caught.value.failure.reason is Reason.PROVIDER_BAD_RESPONSE
    assert CANARY not in repr(caught.value.failure)
    assert [heard.path for heard in oauth.provider.heard] == ["/token"]


@pytest.mark.parametrize("life", [{"expires_in": "3600"}, {"expires_in": 3600.5}, {"token_type": "bearer"}, {}])
async def test_harmless_variations_of_a_grant_are_taken(oauth: Desk, life: dict[str, object]) -> None:
    oauth.provider.script("/token", hostile.text(json.dumps({"access_token": "t"} | life)))
    await oauth.rows()
    assert bearers(oauth) == ["Bearer t"]


@pytest.mark.parametrize(
    "url",
    [
        "http://metadata.google.internal/token",
        "https://169.254.169.254/token",
        "https://user:pass@api.example.com/token",
        "https://api.example.com:8080/token",
        "ftp://api.example.com/token",
        "/token",
        "",
    ],
)
async def test_a_token_is_asked_for_only_where_requests_may_go(oauth: Desk, url: str) -> None:
    oauth.auth = evolve(oauth.auth, token_url=url)
    with pytest.raises(FailedError) as caught:
        await oauth.rows()
    assert caught.value.failure.reason is Reason.CONFIG_INVALID
    assert not oauth.provider.heard


async def test_a_silent_endpoint_is_not_waited_for(oauth: Desk, make_reader: MakeReader) -> None:
    oauth.reader = make_reader(timeouts=Timeouts(connect=10.0, read=0.1))
    oauth.limit(attempts=1)
    oauth.provider.script("/token", hostile.hang)
    with pytest.raises(FailedError, match="sent nothing for too long"):
        await oauth.rows()


@pytest.mark.parametrize(
    "behaviour",
    [
        refusal("invalid_grant"),
        refusal(CANARY, "500 Broken"),
        hostile.text(f'{{"{CANARY}": 1, "{CANARY}": 1}}'),
        hostile.raw(f"HTTP/1.1 {CANARY}\r\n\r\n".encode()),
        hostile.answer(status="302 Found", Location=f"/?key={CANARY}"),
        hostile.reset_at_once,
    ],
)
async def test_no_failure_shows_the_credential(
    oauth: Desk, behaviour: Behaviour, capsys: pytest.CaptureFixture[str]
) -> None:
    oauth.secret = json.dumps({"client_id": "me", "client_secret": CANARY})
    oauth.auth = evolve(oauth.auth, client_auth="body")
    oauth.limit(attempts=2)
    oauth.provider.script("/token", behaviour)
    with structlog.testing.capture_logs() as logs, pytest.raises(FailedError) as caught:
        await oauth.rows()
    shown = io.StringIO()
    traceback.print_exception(caught.value, file=shown)
    assert CANARY not in f"{shown.getvalue()} {caught.value.failure!r} {logs} {capsys.readouterr()}"
    assert caught.value.__context__ is None
