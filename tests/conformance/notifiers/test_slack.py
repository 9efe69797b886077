"""Letters to a real webhook receiver: what is posted, what is never posted to, and what an answer means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from attrs import evolve

from tests.fakes.clock import ManualClock
from tests.fakes.webhook import Webhook
from workers.adapters.slack import SlackNotifier
from workers.model.failure import FailedError, Failure
from workers.model.notice import Channel, Letter
from workers.model.secret import Secret
from workers.ports import Way
from workers.rest.egress import Egress
from workers.rest.resolver import CheckedResolver, threaded_lookup
from workers.rest.retry_after import retry_after

LETTER = Letter("r1-ended-slack", "acme", Channel.SLACK, "lane", "[dp] failed", "why: <!channel> & <http://x|y>")


@pytest.fixture
async def hook() -> AsyncIterator[Webhook]:
    async with Webhook() as hook:
        yield hook


def notifier(allowed: str) -> SlackNotifier:
    egress = Egress.parse(allowed)
    lookup = threaded_lookup(ThreadPoolExecutor(1))
    return SlackNotifier(lambda: CheckedResolver(egress, lookup), ManualClock(), retry_after, egress.allowed)


async def refused(of: SlackNotifier, url: str) -> Failure:
    with pytest.raises(FailedError) as raised:
        await of.send(LETTER, Way(secret=Secret(url)))
    assert "s3cr3t" not in repr((raised.value, raised.value.failure, raised.value.__cause__))
    return raised.value.failure


async def test_a_letter_is_posted_as_text_that_names_nobody_and_hides_no_link(hook: Webhook) -> None:
    await notifier(f"localhost:{hook.port}").send(LETTER, Way(secret=Secret(hook.url)))
    (posted,) = hook.posted
    said = "[dp] failed\nwhy: &lt;!channel&gt; &amp; &lt;http://x|y&gt;"
    assert posted["text"] == f"{said}\n\nnotice r1-ended-slack"
    long = evolve(LETTER, text="x" * 100_000)
    await notifier(f"localhost:{hook.port}").send(long, Way(secret=Secret(hook.url)))
    assert len(hook.posted[1]["text"]) < 4000


@pytest.mark.parametrize(
    ("status", "headers", "retryable", "wait"),
    [
        (429, {"Retry-After": "7"}, True, 7.0),
        (500, {}, True, None),
        (503, {"Retry-After": "soon"}, True, None),
        (400, {"Retry-After": "7"}, False, None),
        (410, {}, False, None),
        (302, {"Location": "/elsewhere"}, False, None),
    ],
)
async def test_an_answer_says_whether_and_when_to_post_again(
    hook: Webhook, status: int, headers: Mapping[str, str], wait: float | None, *, retryable: bool
) -> None:
    hook.answers = [(status, headers)]
    failure = await refused(notifier(f"localhost:{hook.port}"), hook.url)
    assert (failure.retryable, failure.retry_after) == (retryable, wait)
    assert hook.paths == ["/services/T0/B0/s3cr3t"]


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.slack.com/services/s3cr3t",
        "https://hooks.slack.com:8443/s3cr3t",
        "https://hooks.slack.com.evil.example/s3cr3t",
        "https://user:s3cr3t@hooks.slack.com/x",
        "https://127.0.0.1/s3cr3t",
        "file:///s3cr3t",
        "s3cr3t",
        "http://[s3cr3t",
    ],
)
async def test_nothing_but_a_webhook_of_slack_is_posted_to(url: str) -> None:
    assert not (await refused(notifier(""), url)).retryable


async def test_a_receiver_that_may_not_be_dialled_or_is_gone_is_tried_again(hook: Webhook) -> None:
    gone = notifier("localhost:1")
    assert (await refused(gone, "http://localhost:1/s3cr3t")).retryable
    assert not (await refused(notifier(""), hook.url)).retryable
    assert hook.paths == []
