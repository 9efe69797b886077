"""Runs and pipelines as the contract shows them."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import attrs
import pytest

from server.convert.pipelines import pipeline_message
from server.convert.runs import event_message, run_message
from tests.fakes.clock import NOON
from workers.model.failure import Code, Reason
from workers.model.pipeline import Parameter, ParameterType, Pipeline, Step
from workers.model.run import EventType, Progress, Run, RunError, RunEvent, RunStatus, StepRun, StepStatus, TriggerType

ERROR = RunError(Code.UNAVAILABLE, Reason.PROVIDER_UNAVAILABLE, "provider away", "extract_usage")
STEP = StepRun("extract_usage", "openai.usage", StepStatus.COMPLETED, 1, 12, 3456, NOON, NOON, None, {"days": 3})
RUN = Run(
    run_id=UUID(int=5),
    org_slug="acme",
    provider="openai",
    domain="cost",
    pipeline="usage_cost",
    pipeline_id="acme-openai-cost-usage_cost",
    config_hash="abc",
    status=RunStatus.RUNNING,
    created_at=NOON,
    run_date=date(2025, 6, 14),
    parameters={"date": "2025-06-14", "n": 3},
    trigger_type=TriggerType.RETRY,
    attempt=2,
    start_time=NOON,
    error=ERROR,
    steps=(STEP,),
    retry_of=UUID(int=4),
    trace_id="f" * 32,
)


def test_a_run_is_shown_with_plain_words_and_numbers() -> None:
    shown = run_message(RUN, NOON + timedelta(seconds=1.5))
    assert (shown.status, shown.trigger_type, shown.run_date) == ("RUNNING", "retry", "2025-06-14")
    assert (shown.run_id, shown.retry_of) == (str(RUN.run_id), str(RUN.retry_of))
    assert (shown.duration_ms, shown.HasField("end_time")) == (1500.0, False)
    assert (shown.error.code, shown.error.reason, shown.error.step) == ("UNAVAILABLE", ERROR.reason, ERROR.step)
    assert shown.parameters["n"] == 3
    (step,) = shown.steps
    assert (step.status, step.rows, step.bytes, step.output["days"]) == ("COMPLETED", 12.0, 3456.0, 3)


@pytest.mark.parametrize(("start", "end", "milliseconds"), [(None, None, 0), (0, 2, 2000), (0, -1, 0)])
def test_the_duration_is_that_of_the_work(start: int | None, end: int | None, milliseconds: float) -> None:
    times = [None if at is None else NOON + timedelta(seconds=at) for at in (start, end)]
    run = attrs.evolve(RUN, start_time=times[0], end_time=times[1])
    assert run_message(run, NOON).duration_ms == milliseconds


def test_a_waiting_run_has_no_error_no_start_and_nothing_it_retries() -> None:
    shown = run_message(attrs.evolve(RUN, error=None, start_time=None, retry_of=None), NOON)
    assert not shown.HasField("error")
    assert not shown.HasField("start_time")
    assert shown.retry_of == ""


@pytest.mark.parametrize("kind", EventType)
def test_every_kind_of_event_is_a_plain_word(kind: EventType) -> None:
    shown = event_message(RunEvent(3, NOON, kind, "s", "RUNNING", Progress(1, 2, 3), "hello", ERROR))
    assert (shown.type, shown.sequence, shown.step_id, shown.message) == (kind.value, 3, "s", "hello")
    assert (shown.progress.rows, shown.progress.pages, shown.progress.bytes) == (1, 2, 3)
    assert not event_message(RunEvent(3, NOON, kind)).HasField("progress")


DAILY = {"cron": "0 6 * * *", "timezone": "UTC", "enabled": False}


def test_a_pipeline_is_shown_as_its_organisation_names_it() -> None:
    parameters = (Parameter("deep", ParameterType.BOOL, default=True), Parameter("n", ParameterType.INT, default=3))
    steps = (Step("extract_a", "x.y"), Step("load_b", "x.z"))
    pipeline = Pipeline("anthropic", "", "usage_cost", steps, "hash", parameters=parameters)
    shown = pipeline_message(attrs.evolve(pipeline, schedule=DAILY), "acme")
    assert (shown.pipeline_id, list(shown.steps)) == ("acme-anthropic-usage_cost", ["extract_a", "load_b"])
    assert [(one.name, one.type, one.default) for one in shown.parameters] == [
        ("deep", "bool", "true"),
        ("n", "int", "3"),
    ]
    assert (shown.schedule.cron, shown.schedule.timezone, shown.schedule.enabled) == ("0 6 * * *", "UTC", False)
    assert shown.runnable
    assert not pipeline_message(pipeline, "acme").HasField("schedule")
