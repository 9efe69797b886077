from __future__ import annotations

import asyncio
import gc
import gzip
import zlib
from typing import Any

import pytest

from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import Behaviour, Line
from tests.unit.rest.desk import Desk
from workers.model.failure import FailedError, Failure, Reason
from workers.model.pagination import CursorPages, LinkPages

GOOD = b'{"data": [{"id": 1}]}'
BROTLI = b"\x0b\x0a\x80" + GOOD + b"\x03"


async def failure_of(desk: Desk, *behaviours: Behaviour, **changes: Any) -> Failure:
    desk.provider.script("/rows", *behaviours)
    with pytest.raises(FailedError) as caught:
        await desk.pages(desk.read(params=(("key", "canary"),), **changes))
    assert "canary" not in str(caught.value)
    assert caught.value.failure.message.startswith(f"GET {desk.provider.url}/rows: ")
    assert desk.receipts == []
    return caught.value.failure


@pytest.mark.fault("F44")
@pytest.mark.parametrize(
    ("behaviour", "complaint"),
    [
        (hostile.answer(b"<html>Log in</html>", content_type="text/html"), "other than JSON"),
        (hostile.answer(GOOD, content_type="text/plain"), "other than JSON"),
        (hostile.answer(GOOD, content_type="application/json; charset=utf-16"), "other than UTF-8"),
        (hostile.answer(b""), "is not JSON"),
        (hostile.text('{"data": [{"id": 1}'), "is not JSON"),
        (hostile.text('{"data": [{"id": NaN}]}'), "NaN"),
        (hostile.text('{"data": [{"id": 1, "id": 2}]}'), "duplicate key"),
        (hostile.answer(b'{"data": [{"id": "\xff"}]}'), "UTF-8"),
        (hostile.text("{}"), "has nothing at 'data'"),
        (hostile.text("[]"), "has nothing at 'data'"),
        (hostile.text('{"data": {"id": 1}}'), "no list of objects at 'data'"),
        (hostile.text('{"data": [1]}'), "no list of objects at 'data'"),
        (hostile.gzip_bomb(30_000_000), "more than 500 times"),
        (hostile.encoded(gzip.compress(gzip.compress(GOOD)), "gzip"), "UTF-8"),
        (hostile.encoded(gzip.compress(gzip.compress(GOOD)), "gzip, gzip"), "encoding that was not asked for"),
        (hostile.encoded(BROTLI, "br"), "encoding that was not asked for"),
        (hostile.encoded(GOOD, "gzip"), "not encoded as it says"),
        (hostile.encoded(gzip.compress(GOOD)[:-4], "gzip"), "ends before its encoding"),
        (hostile.encoded(gzip.compress(GOOD) + b"x", "gzip"), "goes on after"),
        (hostile.raw(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + GOOD), "where the body ends"),
        (hostile.raw(b"HTTP/1.1 204 No Content\r\n\r\n"), "answered 204"),
        (hostile.raw(b"HTTP/1.1 204 No Content\r\nContent-Length: 21\r\n\r\n"), "answered 204"),
        (hostile.answer(GOOD, "999 Strange"), "answered 999"),
        (hostile.answer(GOOD, "206 Partial Content"), "answered 206"),
        (hostile.answer(b"", "302 Found", Location="http://169.254.169.254/latest/"), "redirects are not followed"),
        (hostile.answer(b"", "307 Temporary Redirect", Location="/rows"), "redirects are not followed"),
    ],
)
async def test_an_answer_that_cannot_be_believed_ends_the_read(
    desk: Desk, behaviour: Behaviour, complaint: str
) -> None:
    failure = await failure_of(desk, behaviour)
    assert (failure.reason, failure.retryable) == (Reason.PROVIDER_BAD_RESPONSE, False)
    assert complaint in failure.message
    assert len(desk.provider.heard) == 1


@pytest.mark.fault("F43")
@pytest.mark.parametrize(
    "behaviour",
    [
        hostile.bad_chunk(),
        hostile.bad_chunk(pause=0.02),
        hostile.reset_in_body,
        hostile.promised(GOOD, len(GOOD) + 50),
        hostile.promised(GOOD, len(GOOD) - 1),
        hostile.raw(b"HTTP/1.1 204 No Content\r\nContent-Length: 21\r\n\r\n" + GOOD),
        hostile.raw(b"garbage\r\n\r\n"),
        hostile.raw(b"HTTP/1.1 0 Zero\r\nContent-Length: 0\r\n\r\n"),
        hostile.answer(GOOD, X_Long="x" * 100_000),
        hostile.raw(b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 10_000 + b"\r\n"),
    ],
)
async def test_broken_framing_is_tried_again_and_no_part_of_it_is_used(desk: Desk, behaviour: Behaviour) -> None:
    failure = await failure_of(desk, behaviour)
    assert failure.reason in {Reason.PROVIDER_BAD_RESPONSE, Reason.PROVIDER_UNAVAILABLE}
    assert failure.retryable
    assert len(desk.provider.heard) == 3


@pytest.mark.fault("F42")
@pytest.mark.parametrize(
    ("behaviour", "complaint"),
    [
        (hostile.hang, "sent nothing for too long"),
        (hostile.half_head, "sent nothing for too long"),
        (hostile.hang_in_body, "sent nothing for too long"),
        (hostile.reset_at_once, "dropped the connection"),
        (hostile.close_at_once, "dropped the connection"),
        (hostile.answer(status="503 Busy"), "answered 503"),
    ],
)
async def test_a_provider_that_is_away_is_asked_three_times(hasty: Desk, behaviour: Behaviour, complaint: str) -> None:
    failure = await failure_of(hasty, behaviour)
    assert (failure.reason, failure.retryable) == (Reason.PROVIDER_UNAVAILABLE, True)
    assert complaint in failure.message
    assert failure.message.endswith("(attempt 3)")
    assert len(hasty.provider.heard) == 3


@pytest.mark.fault("F42", "F43")
@pytest.mark.parametrize(
    "behaviour",
    [
        *(hostile.hang, hostile.hang_in_body, hostile.reset_at_once, hostile.close_at_once, hostile.reset_in_body),
        *(hostile.bad_chunk(), hostile.bad_chunk(pause=0.02), hostile.promised(GOOD, 99)),
        hostile.answer(status="500 Oops"),
    ],
)
async def test_a_passing_fault_is_as_if_nothing_had_happened(hasty: Desk, behaviour: Behaviour) -> None:
    hasty.provider.script("/rows", behaviour, hostile.answer(GOOD))
    assert await hasty.rows() == [{"id": 1}]
    assert len(hasty.receipts) == 1


@pytest.mark.fault("F42")
async def test_a_drip_ends_with_the_time_of_the_request(desk: Desk) -> None:
    desk.limit(request_seconds=0.1, attempts=1)
    failure = await failure_of(desk, hostile.drip(desk.provider))
    assert (failure.reason, failure.retryable) == (Reason.PROVIDER_UNAVAILABLE, True)
    assert "did not answer in time" in failure.message


@pytest.mark.item("H121")
@pytest.mark.fault("F42")
async def test_a_flood_of_interim_answers_ends_with_the_time_of_the_request(desk: Desk) -> None:
    desk.limit(request_seconds=0.1, attempts=1)
    assert (await failure_of(desk, hostile.endless_1xx)).retryable


@pytest.mark.parametrize(
    "behaviour",
    [
        hostile.text('{"data": [], "pad": "' + "x" * 5000 + '"}'),
        hostile.encoded(gzip.compress(b'{"data": [], "pad": "' + b"x" * 5000 + b'"}'), "gzip"),
        hostile.raw(
            hostile.head(Content_Type="application/json", Transfer_Encoding="chunked") + b"2000\r\n" + b" " * 8192
        ),
    ],
)
async def test_a_body_is_bounded_as_sent_and_as_unpacked(desk: Desk, behaviour: Behaviour) -> None:
    desk.limit(page_bytes=4096)
    failure = await failure_of(desk, behaviour)
    assert failure.reason is Reason.PROVIDER_BAD_RESPONSE
    assert "more than 4096 bytes" in failure.message


@pytest.mark.parametrize(
    "behaviour",
    [
        hostile.encoded(gzip.compress(GOOD), "gzip"),
        hostile.encoded(zlib.compress(GOOD), "deflate"),
        hostile.encoded(hostile.raw_deflate(GOOD), "deflate"),
        hostile.encoded(GOOD, "identity"),
        hostile.answer(GOOD, content_type="application/vnd.api+json; charset=UTF-8"),
        hostile.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n" + GOOD),
        hostile.raw(b"HTTP/1.1 103 Early Hints\r\n\r\n", hostile.head(Content_Length="21") + GOOD),
    ],
)
async def test_an_unusual_but_honest_answer_is_taken(desk: Desk, behaviour: Behaviour) -> None:
    desk.provider.script("/rows", behaviour)
    assert await desk.rows() == [{"id": 1}]


@pytest.mark.parametrize("link", ["https://evil.example/next", "//evil.example/next", "http://169.254.169.254/"])
async def test_a_link_to_another_host_is_never_asked(desk: Desk, link: str) -> None:
    failure = await failure_of(desk, hostile.rows(next=link), pagination=LinkPages("next"))
    assert failure.reason is Reason.PROVIDER_BAD_RESPONSE


async def test_a_surplus_of_a_body_is_not_taken_for_the_next_answer(desk: Desk) -> None:
    first = b'{"data": [], "next": "b"}'
    forged = hostile.head(Content_Type="application/json", Content_Length="21") + GOOD
    desk.provider.script("/rows", hostile.promised(first + forged, len(first)), hostile.rows({"id": 2}))
    assert await desk.rows(desk.read(pagination=CursorPages("page", "next"))) == [{"id": 2}]


async def test_a_connection_that_breaks_between_two_answers_is_not_complained_of_later(desk: Desk) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    first = b'{"data": [{"id": 1}], "next": "b"}'

    async def in_two_parts(line: Line) -> None:
        await line.send(hostile.head(Content_Type="application/json", Content_Length=str(len(first))))
        await asyncio.sleep(0.02)  # so that the connection is still the answer's when its body is read
        await line.send(first)

    desk.provider.script("/rows", in_two_parts, hostile.reset_at_once, hostile.answer(GOOD))
    rows = await desk.rows(desk.read(pagination=CursorPages("page", "next")))
    assert (rows, len(desk.provider.heard)) == ([{"id": 1}, {"id": 1}], 3)
    gc.collect()
    asyncio.get_running_loop().set_exception_handler(None)
    assert complaints == []
