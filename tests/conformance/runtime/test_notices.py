"""From what happens to runs to letters, through the real journal: each told once, in order, and none lost."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from tests.fakes.letterbox import refusal
from tests.fakes.post_office import WORK, Post, do, fail, settle
from tests.fakes.workshop import uninterrupted
from workers.model.failure import SnoozeError
from workers.model.notice import Channel, Letter
from workers.model.pause import Pause
from workers.model.run import RunStatus
from workers.ports import Planned, StepContext, StepResult
from workers.runtime.alarm import Alarm

pytestmark = pytest.mark.engine


async def test_a_failure_its_lasting_and_its_end_are_told_once_each(post: Post) -> None:
    for part in (do, fail, fail, fail, fail, do, do, fail):
        await post.ended(work=part)
    assert await post.carry() == [
        "[dp] acme-lab-test-flow failed",
        "[dp] acme-lab-test-flow failed again: it is still failing",
        "[dp] acme-lab-test-flow has recovered after 4 failed runs",
        "[dp] acme-lab-test-flow failed",
    ]
    assert "answered Bcc: x@evil.example" in post.box.letters[0].text
    assert {letter.to for letter in post.box.letters} == {("ops@service.example",)}


async def test_what_a_cooldown_holds_back_comes_in_one_letter_after_it(post: Post) -> None:
    settle(post.shop, cooldown=60)
    await post.ended(work=fail)
    await post.ended(work=fail)
    await post.shop.declare(WORK, "lab/test/other")
    run_id = await post.shop.submit(path="lab/test/other")
    await post.shop.go_on(run_id)
    assert await post.carry() == ["[dp] acme-lab-test-flow failed"]
    over = (
        "UPDATE told SET value = jsonb_set(value, '{until}', to_jsonb(now() - interval '1 s')) WHERE pipeline_id = ''"
    )
    await post.query(over)
    await post.courier().carry()
    last = post.box.letters[-1]
    assert last.subject == "[dp] acme: 2 more: pipeline failure"
    assert "acme-lab-test-flow failed again" in last.text
    assert "acme-lab-test-other failed" in last.text
    await post.courier().carry()
    assert len(post.box.letters) == 2


async def test_a_cooldown_keeps_nothing_from_people_who_hear_of_one_pipeline_only(post: Post) -> None:
    settle(post.shop, cooldown=60)
    await post.ended(work=fail)
    theirs = "notifications: {email: {to: [team@acme.example]}}\n" + WORK
    for path in ("lab/test/first", "lab/test/second"):
        await post.shop.declare(theirs, path)
        await post.shop.go_on(await post.shop.submit(path=path))
    await post.carry()
    await post.query("UPDATE told SET value = jsonb_set(value, '{until}', to_jsonb(now())) WHERE pipeline_id = ''")
    await post.carry()
    told = [(letter.to[0].partition("@")[0], letter.subject) for letter in post.box.letters]
    assert told == [
        ("ops", "[dp] acme-lab-test-flow failed"),
        ("team", "[dp] acme-lab-test-first failed"),
        ("team", "[dp] acme: 1 more: pipeline failure"),
    ]


@pytest.mark.fault("F72")
async def test_a_dead_server_delays_a_letter_and_no_run_and_keeps_the_order_of_a_pipeline(post: Post) -> None:
    post.box.shut = refusal(retryable=True, retry_after=120)
    await post.ended(work=fail)
    assert await post.carry() == []
    assert (await post.shop.do(WORK, work=do)).status is RunStatus.COMPLETED
    post.box.shut = None
    assert await post.carry() == []
    assert await post.query("SELECT due_at > now() + interval '100 s' FROM letter WHERE attempts = 1")
    await post.query("UPDATE letter SET due_at = now()")
    subjects = await post.carry()
    assert [subject.rpartition("flow ")[2] for subject in subjects] == ["failed", "has recovered after 1 failed run"]


class Leaving:
    """The journal, which is away when a letter has arrived."""

    def __init__(self, journal: Any) -> None:
        self.undertake = journal.undertake

    async def sent(self, _posting: Any) -> None:
        raise refusal(retryable=True)


@pytest.mark.fault("F72")
async def test_a_journal_that_goes_away_while_a_letter_is_sent_has_it_sent_again(post: Post) -> None:
    await post.ended(work=fail)
    await post.courier(Leaving(post.shop.journal)).carry()
    assert await post.carry() == ["[dp] acme-lab-test-flow failed"]
    await post.query("UPDATE letter SET due_at = now()")
    await post.carry()
    first, second = post.box.letters
    assert first == second
    assert await post.query("SELECT count(*) FROM letter") == 0


async def test_a_password_is_opened_when_a_letter_is_sent_and_stands_in_no_table(post: Post) -> None:
    root = post.shop.folder / "notify_systems" / "email_notification" / "config.yml"
    root.write_text(root.read_text().replace("smtp: {", "smtp: {username: service, "))
    own = post.shop.folder / "orgs" / "globex" / "notifications.yml"
    own.parent.mkdir(parents=True)
    own.write_text("email: {smtp: {host: mail.globex.example, username: own, from_address: dp@globex.example}}")
    await post.ended(work=fail)
    assert await post.carry() == []
    assert "credential is not there" in await post.query("SELECT last_error FROM letter")
    await post.store("platform", "SMTP", "service-pa55word")
    await post.store("globex", "SMTP", "globex-pa55word")
    await post.shop.submit("globex")
    await post.shop.runner().run(await post.shop.lease(), uninterrupted())
    await post.query("UPDATE letter SET due_at = now()")
    courier = post.courier()
    await courier.announcer.announce()
    kept = await post.query("SELECT string_agg(l::text, '') || (SELECT count(*) FROM outbox) FROM letter l")
    await courier.carry()
    opened = {way.server.username: way.secret.reveal() for way in post.box.ways if way.server and way.secret}
    assert opened == {"service": "service-pa55word", "own": "globex-pa55word"}
    assert "pa55word" not in kept


async def _planned(post: Post) -> Any:
    courier = post.courier()
    await courier.announcer.announce()
    return await post.shop.journal.undertake(16, 4, 180)


async def test_a_letter_that_can_never_arrive_or_is_too_old_is_dropped(post: Post) -> None:
    await post.ended(work=fail)
    post.box.shut = refusal(retryable=False)
    await post.carry()
    assert await post.query("SELECT count(*) FROM letter") == 0
    await post.ended(work=do)
    post.box.shut = refusal(retryable=True)
    await post.carry()
    await post.query("UPDATE letter SET due_at = now(), created_at = now() - interval '25 hours'")
    await post.carry()
    assert await post.query("SELECT count(*) FROM letter") == 0
    assert post.box.letters == []


async def test_an_organisation_with_many_letters_leaves_room_for_others(post: Post) -> None:
    letter = Letter("", "", Channel.EMAIL, "", "s", "t", ("a@b.example",))
    many = [evolve(letter, key=f"a{n}", org="acme", lane=f"acme {n}") for n in range(9)]
    one = [evolve(letter, key=f"g{n}", org="globex", lane="globex") for n in range(2)]
    assert await post.shop.journal.plan(Planned((), (*many, *one), {}))
    first = [posting.letter.key for posting in await post.shop.journal.undertake(6, 4, 180)]
    assert first == ["a0", "a1", "a2", "a3", "g0"]
    assert await post.shop.journal.plan(Planned((), tuple(many), {}))  # the same once more is nothing more
    assert await post.query("SELECT count(*) FROM letter") == 11


async def test_news_is_planned_once(post: Post) -> None:
    await post.ended(work=fail)
    (news,) = await post.shop.journal.news(9)
    assert await post.shop.journal.plan(Planned((news.parcel_id,), (), {}))
    assert not await post.shop.journal.plan(Planned((news.parcel_id,), (), {("acme", "", "x"): {"n": 1}}))
    assert await post.shop.journal.told([("acme", "", "x")]) == {}


async def test_two_couriers_send_a_letter_once(post: Post) -> None:
    await post.ended(work=fail)
    assert len(await _planned(post)) == 1
    assert await post.shop.journal.undertake(16, 4, 180) == ()


async def test_a_wait_for_the_rate_limit_a_warning_and_a_start_are_told(post: Post) -> None:
    async def limited(_ctx: StepContext) -> StepResult:
        raise SnoozeError(60, "told to wait: api.example.com", pause=Pause.RATE_LIMIT)

    notices = "notifications: {email: {events: [pipeline_started, rate_limit_exceeded, pipeline_warning]}}\n"
    await post.shop.do(notices + WORK, work=limited)
    alert = notices + "steps: [{step_id: work, ps_type: lab.act, on_failure: alert}]"
    await post.shop.do(alert, work=fail)
    said = [subject.rpartition("flow ")[2] for subject in await post.carry()]
    assert sorted(said) == ["completed with warnings", "met the provider's rate limit", "started", "started"]


async def test_a_part_of_the_service_that_is_given_up_is_told_to_who_runs_it(post: Post) -> None:
    alarm = Alarm(post.shop.supervisor, post.shop.journal, post.shop.clock, "w1")
    post.shop.supervisor._down.add("publisher")
    await alarm.look()
    await alarm.look()
    (subject,) = await post.carry()
    assert subject == "[dp] data-pipeline-service has given up its publisher: it died too often; replica w1"
