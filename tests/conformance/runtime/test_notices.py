"""From what happens to runs to letters, through the real journal: each told once, in order, and none lost."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from attrs import frozen

from tests.fakes.central import ListedCentral, Script
from tests.fakes.letterbox import Letterbox, refusal
from tests.fakes.workshop import CREDENTIAL, SYSTEM, Workshop, for_ever, uninterrupted
from workers.adapters.kms import LocalKms
from workers.catalog.credentials import Credentials
from workers.model.failure import Code, FailedError, Failure, Reason, SnoozeError
from workers.model.notice import Channel, Notice
from workers.model.run import RunStatus, StepStatus
from workers.model.secret import bound_data
from workers.ports import StepContext, StepResult
from workers.runtime.alarm import Alarm
from workers.runtime.announcer import Announcer
from workers.runtime.courier import Courier
from workers.runtime.holdings import Interruption

pytestmark = pytest.mark.engine

MAIL = """
enabled: true
to: [ops@service.example]
subject_prefix: "[dp]"
events: [pipeline_failure, pipeline_warning, rate_limit_exceeded, system_error]
cooldown_minutes: COOLDOWN
smtp: {host: mail.service.example, from_address: dp@service.example}
"""
WORK = "steps: [{step_id: work, ps_type: lab.act}]"
TOLD = """
steps:
  - {step_id: work, ps_type: lab.act}
  - {step_id: bad, ps_type: lab.act, trigger: on_failure}
  - {step_id: good, ps_type: lab.act, trigger: on_success}
  - {step_id: over, ps_type: lab.act, trigger: on_completion}
  - {step_id: more, ps_type: lab.act}
  - {step_id: any, ps_type: lab.act, trigger: always}
"""


@frozen
class Post:
    """A workshop whose runs are told of by mail."""

    shop: Workshop
    box: Letterbox
    url: str

    def courier(self, notices: Any = None) -> Courier:
        journal, catalog = self.shop.journal, self.shop.catalog()
        answers: dict[str, Script] = {(SYSTEM.parent / CREDENTIAL).read_text(): self._stored}
        credentials = Credentials(ListedCentral(answers), LocalKms(self.shop.folder / "kms.key"), catalog.schemas)
        return Courier(
            Announcer(journal, journal, catalog),
            notices or journal,
            journal,
            catalog.notifications,
            credentials,
            dict.fromkeys(Channel, self.box),
            self.shop.clock,
            lambda: 0.0,
            "platform",
        )

    def _stored(self, asked: Any) -> list[Any]:
        return [row for row in self.shop.stored if (row["org_slug"], [row["provider"]]) == tuple(asked.values())]

    async def store(self, org: str, provider: str, secret: str) -> None:
        """Store a credential as the platform does."""
        bound = bound_data(org, provider, "c1")
        sealed = await LocalKms(self.shop.folder / "kms.key").encrypt(secret.encode(), bound)
        row = {"org_slug": org, "provider": provider, "credential_id": "c1", "encrypted_credential": sealed}
        self.shop.stored.append({**row, "validation_status": "VALID"})

    async def carry(self) -> list[str]:
        """Send what there is, and return the subjects of all that was sent."""
        courier = self.courier()
        before = -1
        while before != (before := await self._left()):
            await courier.carry()
        return self.box.subjects

    async def ended(self, **parts: Any) -> None:
        await self.shop.do(WORK, **parts)

    async def query(self, sql: str, *values: Any) -> Any:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()

    async def _left(self) -> int:
        news = "SELECT count(*) FROM outbox WHERE kind = 'notice'"
        return int(await self.query(f"SELECT 1000 * ({news}) + (SELECT count(*) FROM letter)"))


@pytest.fixture
def post(shop: Workshop, journal_url: str) -> Post:
    settle(shop)
    return Post(shop, Letterbox(), journal_url)


def settle(shop: Workshop, cooldown: float = 0) -> None:
    file = shop.folder / "notify_systems" / "email_notification" / "config.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(MAIL.replace("COOLDOWN", str(cooldown)))


async def fail(_ctx: StepContext) -> StepResult:
    raise FailedError(Failure(Code.PERMISSION_DENIED, Reason.PROVIDER_AUTH, "answered\r\nBcc: x@evil.example"))


async def do(_ctx: StepContext) -> StepResult:
    return StepResult()


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


class Dying:
    """The journal of a process that dies after a letter was sent, before it is forgotten."""

    def __init__(self, journal: Any) -> None:
        self.undertake = journal.undertake

    async def sent(self, _posting: Any) -> None:
        raise refusal(retryable=True)


async def test_a_crash_between_sending_and_forgetting_sends_the_same_letter_again(post: Post) -> None:
    await post.ended(work=fail)
    await post.courier(Dying(post.shop.journal)).carry()
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


async def test_two_couriers_send_a_letter_once(post: Post) -> None:
    await post.ended(work=fail)
    assert len(await _planned(post)) == 1
    assert await post.shop.journal.undertake(16, 4, 180) == ()


async def ask(ctx: StepContext) -> StepResult:
    subject = f"{ctx.step.step_id}: {{status}} {{reason}}"
    await ctx.notify(Notice(Channel.EMAIL, subject, "took {duration}", ("boss@acme.example",)))
    return StepResult()


ASKING = dict.fromkeys(("bad", "good", "over", "any"), ask)


@pytest.mark.parametrize(
    ("part", "ran", "status"),
    [(do, ["good", "over", "any"], RunStatus.COMPLETED), (fail, ["bad", "over", "any"], RunStatus.FAILED)],
)
async def test_steps_with_a_trigger_run_at_the_end_whatever_happened(
    post: Post, part: Any, ran: list[str], status: RunStatus
) -> None:
    run = await post.shop.do(TOLD, work=part, **ASKING)
    assert run.status is status
    done = [step.step_id for step in run.steps if step.status is StepStatus.COMPLETED]
    assert [name for name in done if name in ASKING] == ran
    assert ("more" in done) is (part is do)
    subjects = [subject for subject in await post.carry() if ": " in subject]
    assert sorted(subject.split()[1] for subject in subjects) == sorted(f"{name}:" for name in ran)
    assert all(status in subject for subject in subjects)
    asked = [letter for letter in post.box.letters if letter.to == ("boss@acme.example",)]
    assert len(asked) == len(ran)
    assert asked[0].text.startswith("took ")


async def test_a_step_at_the_end_changes_nothing_of_how_the_run_ends(post: Post) -> None:
    async def snooze(_ctx: StepContext) -> StepResult:
        raise SnoozeError(60, "later")

    run = await post.shop.do(TOLD, good=fail, over=snooze)
    assert run.status is RunStatus.COMPLETED
    assert {run.step(name).status for name in ("good", "over")} == {StepStatus.FAILED}
    again = await post.shop.do(TOLD, work=fail, bad=snooze, over=fail)
    assert (again.status, again.error and again.error.step) == (RunStatus.FAILED, "work")


@pytest.mark.parametrize(
    ("why", "ran"), [(Interruption.TIMEOUT, {"bad", "over", "any"}), (Interruption.CANCEL, {"any"})]
)
async def test_a_run_that_is_interrupted_still_tells(post: Post, why: Interruption, ran: set[str]) -> None:
    interrupted = uninterrupted()

    async def interrupt(ctx: StepContext) -> StepResult:
        if why is Interruption.CANCEL:
            await post.shop.journal.cancel("acme", ctx.run_id)
        interrupted.set_result(why)
        return StepResult()

    await post.shop.declare(TOLD)
    post.shop.parts.update({"work": interrupt, **ASKING})
    run = await post.shop.go_on(await post.shop.submit(), interrupted)
    assert run.status is (RunStatus.TIMEOUT if why is Interruption.TIMEOUT else RunStatus.CANCELLED)
    assert {name for name in ASKING if run.step(name).status is StepStatus.COMPLETED} == ran


async def test_a_step_at_the_end_that_outlasts_the_run_changes_nothing_of_how_it_ends(post: Post) -> None:
    interrupted = uninterrupted()

    async def outlast(_ctx: StepContext) -> StepResult:
        interrupted.set_result(Interruption.TIMEOUT)
        await for_ever()
        return StepResult()

    await post.shop.declare(TOLD)
    post.shop.parts.update({"good": outlast})
    run = await post.shop.go_on(await post.shop.submit(), interrupted)
    assert run.status is RunStatus.COMPLETED
    assert run.step("good").status is StepStatus.CANCELLED


async def test_a_retry_does_not_take_a_told_failure_for_told(post: Post) -> None:
    failed = await post.shop.do(TOLD, work=fail, **ASKING)
    again = await post.shop.acceptance().retry("acme", failed.run_id, key_id="")
    run = await post.shop.go_on(again.run_id)
    assert run.step("bad").status is StepStatus.COMPLETED
    assert (await post.shop.run(failed.run_id)).step("bad").end_time != run.step("bad").end_time


async def test_a_wait_for_the_rate_limit_a_warning_and_a_start_are_told(post: Post) -> None:
    async def limited(_ctx: StepContext) -> StepResult:
        raise SnoozeError(60, "told to wait: api.example.com", limited=True)

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
