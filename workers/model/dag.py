"""Which steps may start, which never will, and what a run's steps add up to."""

from __future__ import annotations

from collections.abc import Mapping

from workers.model.pipeline import OnFailure, Pipeline, Step
from workers.model.run import RunStatus, StepStatus

Outcomes = Mapping[str, StepStatus]

_TRIGGERED = {
    "on_success": {RunStatus.COMPLETED},
    "on_failure": {RunStatus.FAILED, RunStatus.TIMEOUT},
    "on_completion": {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.TIMEOUT},
    "always": {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.TIMEOUT, RunStatus.CANCELLED},
}


def startable(pipeline: Pipeline, outcomes: Outcomes) -> tuple[Step, ...]:
    """Return the steps without an outcome whose dependencies let them start, in the order of declaration.

    `outcomes` holds every step that runs or has ended. A disabled step lets its dependants start; so does a failed one
    with `on_failure` continue or alert. After a failure with `stop` nothing starts any more. Steps with a trigger are
    those of `closing`.
    """
    if decisive(pipeline, outcomes) is not None:
        return ()
    return tuple(
        step
        for step in pipeline.steps
        if step.enabled
        and not step.trigger
        and step.step_id not in outcomes
        and all(_lets_pass(pipeline.step(name), outcomes) for name in step.depends_on)
    )


def closing(pipeline: Pipeline, outcomes: Outcomes, ending: RunStatus) -> tuple[Step, ...]:
    """Return the steps without an outcome that run at the end of a run which ends so, whatever else has happened.

    What they do changes nothing of how the run ends.
    """
    return tuple(
        step
        for step in pipeline.steps
        if step.enabled and step.trigger and ending in _TRIGGERED[step.trigger] and step.step_id not in outcomes
    )


def decisive(pipeline: Pipeline, outcomes: Outcomes) -> Step | None:
    """Return the failed step that the run cannot do without: the first declared of them."""
    for step in pipeline.steps:
        if _stops(step) and outcomes.get(step.step_id) is StepStatus.FAILED:
            return step
    return None


def unreached(pipeline: Pipeline, outcomes: Outcomes) -> tuple[Step, ...]:
    """Return the steps that have no outcome and get none: disabled, or behind a failure."""
    return tuple(step for step in pipeline.steps if step.step_id not in outcomes)


def _stops(step: Step) -> bool:
    return step.on_failure is OnFailure.STOP and not step.trigger


def _lets_pass(step: Step, outcomes: Outcomes) -> bool:
    if not step.enabled:
        return True
    outcome = outcomes.get(step.step_id)
    if outcome is StepStatus.FAILED:
        return step.on_failure is not OnFailure.STOP
    return outcome in {StepStatus.COMPLETED, StepStatus.SKIPPED}
