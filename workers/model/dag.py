"""Which steps may start, which never will, and what a run's steps add up to."""

from __future__ import annotations

from collections.abc import Mapping

from workers.model.pipeline import OnFailure, Pipeline, Step
from workers.model.run import StepStatus

Outcomes = Mapping[str, StepStatus]


def startable(pipeline: Pipeline, outcomes: Outcomes) -> tuple[Step, ...]:
    """Return the steps without an outcome whose dependencies let them start, in the order of declaration.

    `outcomes` holds every step that runs or has ended. A disabled step lets its dependants start; so does a failed one
    with `on_failure` continue or alert. After a failure with `stop` nothing starts any more.
    """
    if decisive(pipeline, outcomes) is not None:
        return ()
    return tuple(
        step
        for step in pipeline.steps
        if step.enabled
        and step.step_id not in outcomes
        and all(_lets_pass(pipeline.step(name), outcomes) for name in step.depends_on)
    )


def decisive(pipeline: Pipeline, outcomes: Outcomes) -> Step | None:
    """Return the failed step that the run cannot do without: the first declared of them."""
    for step in pipeline.steps:
        if outcomes.get(step.step_id) is StepStatus.FAILED and step.on_failure is OnFailure.STOP:
            return step
    return None


def unreached(pipeline: Pipeline, outcomes: Outcomes) -> tuple[Step, ...]:
    """Return the steps that have no outcome and get none: disabled, or behind a failure."""
    return tuple(step for step in pipeline.steps if step.step_id not in outcomes)


def _lets_pass(step: Step, outcomes: Outcomes) -> bool:
    if not step.enabled:
        return True
    outcome = outcomes.get(step.step_id)
    if outcome is StepStatus.FAILED:
        return step.on_failure is not OnFailure.STOP
    return outcome in {StepStatus.COMPLETED, StepStatus.SKIPPED}
