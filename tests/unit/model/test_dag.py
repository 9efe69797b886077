from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.model.dag import closing, decisive, startable, unreached
from workers.model.pipeline import OnFailure, Pipeline, Step
from workers.model.run import RunStatus, StepStatus

DONE, FAILED, RUNNING = StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.RUNNING


def pipeline(*steps: Step) -> Pipeline:
    return Pipeline("p", "d", "n", steps, "hash")


def names(steps: tuple[Step, ...]) -> list[str]:
    return [step.step_id for step in steps]


def test_steps_without_dependencies_start_together() -> None:
    both = pipeline(Step("a", "x.y"), Step("b", "x.y"))
    assert names(startable(both, {})) == ["a", "b"]


def test_a_step_waits_for_every_step_it_depends_on() -> None:
    diamond = pipeline(Step("a", "x.y"), Step("b", "x.y"), Step("c", "x.y", depends_on=("a", "b")))
    assert names(startable(diamond, {"a": DONE, "b": RUNNING})) == []
    assert names(startable(diamond, {"a": DONE, "b": DONE})) == ["c"]


def test_a_failure_stops_what_has_not_begun() -> None:
    line = pipeline(Step("a", "x.y"), Step("b", "x.y"))
    assert startable(line, {"a": FAILED}) == ()
    assert decisive(line, {"a": FAILED}) == line.step("a")


def test_the_decisive_failure_is_the_first_that_the_run_cannot_do_without() -> None:
    line = pipeline(Step("a", "x.y", on_failure=OnFailure.ALERT), Step("b", "x.y"), Step("c", "x.y"))
    assert decisive(line, {"a": FAILED, "b": FAILED, "c": FAILED}) == line.step("b")


def test_a_failure_that_may_be_passed_lets_its_dependants_start() -> None:
    line = pipeline(Step("a", "x.y", on_failure=OnFailure.CONTINUE), Step("b", "x.y", depends_on=("a",)))
    assert names(startable(line, {"a": FAILED})) == ["b"]
    assert decisive(line, {"a": FAILED}) is None


def test_a_disabled_step_is_never_started_and_lets_its_dependants_pass() -> None:
    line = pipeline(Step("a", "x.y", enabled=False), Step("b", "x.y", depends_on=("a",)))
    assert names(startable(line, {})) == ["b"]
    assert names(unreached(line, {"b": DONE})) == ["a"]


@st.composite
def graphs(draw: st.DrawFn) -> Pipeline:
    size = draw(st.integers(1, 7))
    steps = []
    for number in range(size):
        before = draw(st.sets(st.integers(0, number - 1))) if number else set()
        depends = tuple(f"s{index}" for index in sorted(before))
        steps.append(
            Step(
                f"s{number}",
                "x.y",
                depends_on=depends,
                enabled=draw(st.booleans()),
                on_failure=draw(st.sampled_from(OnFailure)),
            )
        )
    return pipeline(*steps)


@given(graphs(), st.data())
def test_every_walk_ends_with_each_step_settled_or_unreached(graph: Pipeline, data: st.DataObject) -> None:
    outcomes: dict[str, StepStatus] = {}
    while ready := startable(graph, outcomes):
        step = data.draw(st.sampled_from(ready))
        assert all(name in outcomes or not graph.step(name).enabled for name in step.depends_on)
        outcomes[step.step_id] = data.draw(st.sampled_from([DONE, FAILED]))
    left = {step.step_id for step in unreached(graph, outcomes)}
    assert left.isdisjoint(outcomes)
    assert left | outcomes.keys() == {step.step_id for step in graph.steps}


@given(graphs())
def test_without_failures_every_enabled_step_runs(graph: Pipeline) -> None:
    outcomes: dict[str, StepStatus] = {}
    while ready := startable(graph, outcomes):
        outcomes |= {step.step_id: DONE for step in ready}
    assert outcomes.keys() == {step.step_id for step in graph.steps if step.enabled}


TOLD = pipeline(
    Step("a", "x.y"),
    Step("b", "x.y", trigger="on_failure"),
    Step("c", "x.y", trigger="on_success"),
    Step("d", "x.y", trigger="on_completion"),
    Step("e", "x.y", trigger="always"),
    Step("f", "x.y", trigger="always", enabled=False),
)


def test_a_step_with_a_trigger_never_starts_before_the_end() -> None:
    assert names(startable(TOLD, {})) == ["a"]
    assert names(startable(TOLD, {"a": DONE})) == []


def test_which_steps_run_at_the_end_depends_on_how_it_ends_alone() -> None:
    ends = {
        RunStatus.COMPLETED: ["c", "d", "e"],
        RunStatus.FAILED: ["b", "d", "e"],
        RunStatus.TIMEOUT: ["b", "d", "e"],
        RunStatus.CANCELLED: ["e"],
    }
    for status, expected in ends.items():
        assert names(closing(TOLD, {}, status)) == expected
    assert names(closing(TOLD, {"c": FAILED, "e": DONE}, RunStatus.COMPLETED)) == ["d"]


def test_a_step_at_the_end_that_fails_is_never_decisive() -> None:
    assert decisive(TOLD, {"a": DONE, "e": FAILED}) is None
