from __future__ import annotations

import json
from decimal import Decimal
from hashlib import sha256

import pytest

from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import Heard
from tests.unit.rest.desk import CANARY, Desk, MakeReader
from workers.model.failure import FailedError, Reason
from workers.model.page import Auth, Endpoint
from workers.model.pagination import CursorPages, LinkPages, NumberPages, OffsetPages
from workers.ports import Reader, Wiring
from workers.rest import Egress, RestReader
from workers.rest import wiring as own

SOURCE = [{"id": number, "day": "2026-05-01"} for number in range(7)]


def by_offset(heard: Heard) -> bytes:
    start = int(heard.query["skip"])
    return json.dumps({"data": SOURCE[start : start + int(heard.query["top"])]}).encode()


def by_number(heard: Heard) -> bytes:
    start = int(heard.query["p"]) * 3
    return json.dumps({"data": SOURCE[start : start + 3]}).encode()


def by_cursor(heard: Heard) -> bytes:
    start = int(json.loads(heard.body).get("after", 0))
    following = str(start + 3) if start + 3 < len(SOURCE) else None
    return json.dumps({"data": SOURCE[start : start + 3], "next": following}).encode()


def test_it_keeps_the_promises_of_the_ports(desk: Desk) -> None:
    reader: Reader = desk.reader
    wiring: own.Wiring = desk.wiring()
    assert isinstance(reader, RestReader)
    assert isinstance(wiring, Wiring)


async def test_a_page_carries_exact_values_and_its_receipt(desk: Desk) -> None:
    body = b'{"data": [{"id": 1, "cost": 0.10}, {"id": 12345678901234567890}]}'
    desk.provider.script("/rows", hostile.answer(body))
    (page,) = await desk.pages(desk.read(params=(("day", "1"),), key_fields=("id", "cost")))
    assert page.rows == ({"id": 1, "cost": Decimal("0.10")}, {"id": 12345678901234567890})
    receipt = page.receipt
    assert (receipt.url, receipt.number, receipt.rows) == (f"{desk.provider.url}/rows", 1, 2)
    assert (receipt.bytes, receipt.sha256) == (len(body), sha256(body).hexdigest())
    assert (receipt.first_key, receipt.last_key) == ('[1,"0.10"]', "[12345678901234567890,null]")


async def test_a_receipt_is_kept_before_its_page_is_seen(desk: Desk) -> None:
    desk.provider.script("/rows", hostile.rows({"id": 1}, next="b"), hostile.rows({"id": 2}))
    async with desk.reader.open(desk.wiring()) as reading:
        seen = [len(desk.receipts) async for _ in reading.pages(desk.read(pagination=CursorPages("page", "next")))]
    assert seen == [1, 2]
    assert [(receipt.cursor, receipt.next_cursor) for receipt in desk.receipts] == [("", "b"), ("b", "")]


async def test_a_next_page_is_asked_for_only_when_it_is_wanted(desk: Desk) -> None:
    desk.provider.script("/rows", hostile.rows({"id": 1}, next="b"), hostile.rows({"id": 2}))
    async with desk.reader.open(desk.wiring()) as reading:
        pages = reading.pages(desk.read(pagination=CursorPages("page", "next")))
        await anext(pages)
        await pages.aclose()
    assert len(desk.provider.heard) == 1


@pytest.mark.parametrize(("path", "row"), [("", {"org": {"id": 1}}), ("org", {"id": 1})])
async def test_a_single_object_is_the_only_row(desk: Desk, path: str, row: object) -> None:
    desk.provider.script("/rows", hostile.text('{"org": {"id": 1}}'))
    (page,) = await desk.pages(desk.read(data_path=path, single_object=True))
    assert page.rows == (row,)


@pytest.mark.parametrize(("body", "why"), [("[{}]", "no object at the top"), ('"x"', "no object at the top")])
async def test_what_is_no_object_is_a_bad_answer(desk: Desk, body: str, why: str) -> None:
    desk.provider.script("/rows", hostile.text(body))
    with pytest.raises(FailedError, match=why):
        await desk.pages(desk.read(data_path="", single_object=True))


async def test_offset_pages_come_through(desk: Desk) -> None:
    desk.provider.script("/rows", hostile.by_request(by_offset))
    assert await desk.rows(desk.read(pagination=OffsetPages("skip", "top", 3))) == SOURCE
    assert [receipt.cursor for receipt in desk.receipts] == ["0", "3", "6"]


async def test_number_pages_come_through(desk: Desk) -> None:
    desk.provider.script("/rows", hostile.by_request(by_number))
    assert await desk.rows(desk.read(pagination=NumberPages("p", first=0))) == SOURCE


async def test_a_post_pages_by_its_body(desk: Desk) -> None:
    desk.provider.script("/rows", hostile.by_request(by_cursor))
    read = desk.read(pagination=CursorPages("after", "next"), method="POST", body={"query": "all"})
    assert await desk.rows(read) == SOURCE
    assert json.loads(desk.provider.heard[-1].body) == {"query": "all", "after": "6"}


async def test_links_are_followed_and_receipted_by_digest(desk: Desk) -> None:
    link = f'<{desk.provider.url}/more?token={CANARY}>; rel="next"'
    desk.provider.script("/rows", hostile.answer(b'{"data": [{"id": 1}]}', Link=link))
    desk.provider.script("/more", hostile.rows({"id": 2}))
    assert await desk.rows(desk.read(pagination=LinkPages())) == [{"id": 1}, {"id": 2}]
    assert desk.provider.heard[-1].query == {"token": CANARY}
    assert CANARY not in repr(desk.receipts)


async def test_a_long_page_is_read_like_a_short_one(desk: Desk) -> None:
    source = [{"id": number, "text": "ü" * 50} for number in range(2000)]
    desk.provider.script("/rows", hostile.rows(*source))
    assert await desk.rows() == source


async def test_every_request_says_who_asks_and_what_it_takes(desk: Desk) -> None:
    desk.provider.script("/rows", hostile.rows())
    await desk.pages()
    headers = desk.provider.heard[0].headers
    assert headers["user-agent"] == "data-pipeline-service/1.0"
    assert (headers["accept"], headers["accept-encoding"]) == ("application/json", "gzip, deflate")


async def test_cookies_are_never_sent_back(desk: Desk) -> None:
    tracking = hostile.answer(b'{"data": [], "next": "b"}', Set_Cookie="id=1; Path=/")
    desk.provider.script("/rows", tracking, hostile.rows())
    endpoint = Endpoint("openai", f"http://localhost:{desk.provider.port}")  # jars ignore bare addresses anyway
    await desk.pages(desk.read(endpoint=endpoint, pagination=CursorPages("page", "next")))
    assert len(desk.provider.heard) == 2
    assert all("cookie" not in heard.headers for heard in desk.provider.heard)


async def test_a_proxy_of_the_environment_is_not_used(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    desk.provider.script("/rows", hostile.rows({"id": 1}))
    assert await desk.rows() == [{"id": 1}]


@pytest.mark.fault("F45")
@pytest.mark.parametrize("pagination", [OffsetPages("skip", "top", 2), NumberPages("p")])
async def test_a_page_that_ignores_where_it_was_asked_is_an_error(
    desk: Desk, pagination: OffsetPages | NumberPages
) -> None:
    desk.provider.script("/rows", hostile.rows({"id": 1}, {"id": 2}))
    with pytest.raises(FailedError, match="the same page twice"):
        await desk.pages(desk.read(pagination=pagination))


@pytest.mark.fault("F45")
@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"]])
async def test_a_repeated_cursor_is_an_error(desk: Desk, cursors: list[str]) -> None:
    desk.provider.script("/rows", *(hostile.rows({"id": at}, next=cursor) for at, cursor in enumerate(cursors)))
    with pytest.raises(FailedError, match="was read before") as caught:
        await desk.pages(desk.read(pagination=CursorPages("page", "next")))
    assert caught.value.failure.reason is Reason.PROVIDER_BAD_RESPONSE
    assert len(desk.receipts) == len(cursors) - 1


@pytest.mark.fault("F45")
async def test_a_link_back_is_an_error(desk: Desk) -> None:
    desk.provider.script("/rows", hostile.rows(next="/rows"))
    with pytest.raises(FailedError, match="was read before"):
        await desk.pages(desk.read(pagination=LinkPages("next")))


@pytest.mark.fault("F45")
async def test_pages_are_bounded(desk: Desk) -> None:
    desk.limit(pages=2)
    desk.provider.script("/rows", *(hostile.rows(next=str(number)) for number in range(9)))
    with pytest.raises(FailedError, match="more than 2 pages"):
        await desk.pages(desk.read(pagination=CursorPages("page", "next")))
    assert len(desk.provider.heard) == 2


async def test_a_url_outside_the_policy_is_never_asked(desk: Desk, make_reader: MakeReader) -> None:
    desk.reader = make_reader(egress=Egress())
    with pytest.raises(FailedError, match="only https") as caught:
        await desk.pages()
    assert caught.value.failure.reason is Reason.CONFIG_INVALID
    assert desk.provider.heard == []


async def test_the_rate_budget_of_the_credential_is_taken_for_every_request(desk: Desk) -> None:
    desk.limit(requests_per_minute=30.0, burst=3)
    desk.provider.script("/rows", hostile.answer(status="500 Oops"), hostile.rows())
    await desk.pages()
    assert desk.taken == [(f"acme/openai/1 openai 127.0.0.1:{desk.provider.port}", 30.0, 3)] * 2


@pytest.mark.promise("P11")
@pytest.mark.parametrize("kind", ["bearer", "header", "basic", "query"])
async def test_a_secret_reaches_the_provider_it_belongs_to(desk: Desk, kind: str) -> None:
    desk.auth, desk.secret = Auth(kind, "x-key", "openai"), f"user:{CANARY}"
    desk.provider.script("/rows", hostile.rows())
    await desk.pages()
    heard = desk.provider.heard[0]
    assert {"bearer": f"Bearer user:{CANARY}", "header": f"user:{CANARY}", "query": f"user:{CANARY}"}.get(
        kind, "Basic dXNlcjpjYW5hcnktN2YzYTk="
    ) in (heard.headers.get("authorization"), heard.headers.get("x-key"), heard.query.get("x-key"))
