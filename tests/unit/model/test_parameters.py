from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.effort import effort
from workers.model.failure import Code, FailedError, Reason
from workers.model.parameters import Inputs, on_day, type_parameters
from workers.model.pipeline import Parameter, ParameterType, Pipeline
from workers.model.window import DateWindow

WORDS = [
    "today",
    "today-99999999999",
    "month_start",
    "2025-02-30",
    "9999-12-31",
    "2025-06-01\n",
    " ",
    "\0",
    "\ud800",
    "fast",
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NAMES = ["date", "start_date", "end_date", "trigger_by", "force_refresh", "team", "pages", "full", "since", "mode"]
TODAY = date(2025, 6, 15)
YESTERDAY = date(2025, 6, 14)
DECLARED = (
    Parameter("team"),
    Parameter("pages", ParameterType.INT),
    Parameter("full", ParameterType.BOOL),
    Parameter("since", ParameterType.DATE),
    Parameter("mode", ParameterType.ENUM, values=("fast", "slow")),
)


def pipeline(*parameters: Parameter, max_days: int = 92) -> Pipeline:
    return Pipeline("openai", "cost", "usage_cost", (), "hash", parameters=parameters, max_days=max_days)


def typed(raw: Mapping[str, Any], *parameters: Parameter, max_days: int = 92) -> Inputs:
    return type_parameters(pipeline(*(parameters or DECLARED), max_days=max_days), raw, TODAY)


def violations(raw: Mapping[str, Any], *parameters: Parameter, max_days: int = 92) -> dict[str, str]:
    with pytest.raises(FailedError) as raised:
        typed(raw, *parameters, max_days=max_days)
    failure = raised.value.failure
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.PARAMETERS_INVALID)
    return {one.field: one.description for one in failure.violations}


def test_without_a_day_the_run_is_for_yesterday() -> None:
    inputs = typed({})
    assert inputs.window == DateWindow(YESTERDAY, YESTERDAY)
    assert inputs.run_date == YESTERDAY
    assert inputs.parameters == {"start_date": "2025-06-14", "end_date": "2025-06-14"}


def test_a_date_is_a_window_of_one_day() -> None:
    inputs = typed({"date": "2025-06-01"})
    assert (inputs.window, inputs.run_date) == (DateWindow(date(2025, 6, 1), date(2025, 6, 1)), date(2025, 6, 1))
    assert inputs.parameters == {"date": "2025-06-01"}


def test_a_range_has_both_its_ends_in_it() -> None:
    inputs = typed({"start_date": "2025-06-01", "end_date": "2025-06-03"})
    assert len(inputs.window) == 3
    assert inputs.run_date == date(2025, 6, 3)


def test_a_start_alone_runs_to_the_last_complete_day() -> None:
    assert typed({"start_date": "2025-06-10"}).window == DateWindow(date(2025, 6, 10), YESTERDAY)
    assert typed({"start_date": "2025-06-15"}).window == DateWindow(TODAY, TODAY)


def test_a_null_is_a_parameter_that_is_not_given() -> None:
    assert typed({"date": None, "team": None}) == typed({})


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({"start_date": "2025-06-03", "end_date": "2025-06-01"}, {"end_date": "is before start_date, 2025-06-03"}),
        ({"end_date": "2025-06-01"}, {"end_date": "needs start_date"}),
        (
            {"date": "2025-06-01", "start_date": "2025-06-01"},
            {"date": "stands beside start_date or end_date; give the one or the others"},
        ),
        (
            {"start_date": "2025-01-01", "end_date": "2025-06-01"},
            {"end_date": "makes a range of 152 days, 92 are allowed"},
        ),
        ({"start_date": "2025-01-01"}, {"start_date": "makes a range of 165 days, 92 are allowed"}),
        ({"date": "2025-06-16"}, {"date": "is after today, 2025-06-15 UTC"}),
        (
            {"start_date": "2025-07-01", "end_date": "2025-07-02"},
            {"start_date": "is after today, 2025-06-15 UTC", "end_date": "is after today, 2025-06-15 UTC"},
        ),
        ({"date": "2025-02-30"}, {"date": "is not a day of the calendar"}),
        ({"date": "2025-13-01"}, {"date": "is not a day of the calendar"}),
        *[
            ({"date": text}, {"date": "must be a day written YYYY-MM-DD"})
            for text in ["25-1-1", "2025-6-1", "1764547200", "2025-06-01T00:00:00Z", "2025-06-01 ", "2025/06/01",
                         "today", "20250601", "\u0662\u0660\u0662\u0665-06-01", "2025-W23-1"]
        ],
        *[({"date": f"{year}-01-01"}, {"date": "must be in the years 2000 to 2100"})
          for year in ("0001", "1970", "9999")],
        ({"date": 20250601}, {"date": "must be a text"}),
        ({"date": ["2025-06-01"]}, {"date": "must be a text"}),
        ({"force_refresh": "true"}, {"force_refresh": "must be true or false"}),
        ({"force_refresh": 1}, {"force_refresh": "must be true or false"}),
        ({"trigger_by": 5}, {"trigger_by": "must be a text"}),
        ({"trigger_by": {"a": 1}}, {"trigger_by": "must be a text"}),
        ({"pages": 1.0000000001}, {"pages": "must be a whole number"}),
        ({"pages": "5"}, {"pages": "must be a whole number"}),
        ({"pages": True}, {"pages": "must be a whole number"}),
        ({"pages": [1]}, {"pages": "must be a whole number"}),
        ({"pages": float("nan")}, {"pages": "must be a whole number"}),
        ({"pages": float("inf")}, {"pages": "must be a whole number"}),
        ({"pages": 1e300}, {"pages": "must be between -9007199254740992 and 9007199254740992"}),
        ({"pages": 2**63}, {"pages": "must be between -9007199254740992 and 9007199254740992"}),
        ({"full": "true"}, {"full": "must be true or false"}),
        ({"mode": "medium"}, {"mode": "must be one of fast, slow"}),
        ({"mode": ["fast"]}, {"mode": "must be one of fast, slow"}),
        ({"team": 5.0}, {"team": "must be a text"}),
        ({"team": " \t\n"}, {"team": "must not be blank"}),
        ({"team": ""}, {"team": "must not be blank"}),
        ({"team": "a\x00b"}, {"team": "must not hold a NUL character"}),
        ({"team": "\ud800"}, {"team": "must be valid Unicode"}),
        ({"team": "é" * 2049}, {"team": "must be at most 4096 bytes"}),
        ({"since": "2025-02-30"}, {"since": "is not a day of the calendar"}),
        ({"region": "eu"}, {"region": "is not a parameter of this pipeline"}),
        ({"__proto__": "x"}, {"__proto__": "is not a parameter of this pipeline"}),
        ({"": "x"}, {"(empty name)": "is not a parameter of this pipeline"}),
        ({"a\nb": "x"}, {"a\\nb": "is not a parameter of this pipeline"}),
        ({f"p{n}": n for n in range(65)}, {"parameters": "are 65, 64 are allowed"}),
        ({"team": "x" * 8200}, {"parameters": "are more than 8192 bytes in all"}),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_refused_by_name(raw: Mapping[str, Any], fault: Mapping[str, str]) -> None:
    assert violations(raw) == fault


def test_a_start_after_a_declared_end_is_what_is_blamed() -> None:
    declared = Parameter("end_date", ParameterType.DATE, default="2025-06-01")
    assert violations({"start_date": "2025-06-02"}, declared) == {"start_date": "is after end_date, 2025-06-01"}


def test_the_message_is_a_sentence_that_says_each_name_once() -> None:
    with pytest.raises(FailedError) as raised:
        typed({"start_date": "2025-06-03", "end_date": "2025-06-01"})
    assert raised.value.failure.message == ("the parameters are not valid: end_date is before start_date, 2025-06-03")


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = violations({"date": "x", "pages": "5", "what": 1}, *DECLARED, Parameter("region", required=True))
    assert set(found) == {"date", "pages", "what", "region"}


def test_a_required_parameter_that_is_missing_is_named() -> None:
    assert violations({}, Parameter("region", required=True)) == {"region": "is required"}


def test_a_deep_value_is_refused_without_a_crash() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    assert violations({"team": deep}) == {"parameters": "are nested too deeply"}


def test_a_pipeline_may_allow_more_days() -> None:
    raw = {"start_date": "2024-06-15", "end_date": "2025-06-14"}
    assert len(typed(raw, max_days=365).window) == 365
    assert violations(raw, max_days=364) == {"end_date": "makes a range of 365 days, 364 are allowed"}


def test_whole_doubles_are_integers() -> None:
    pages = typed({"pages": 5.0}).parameters["pages"]
    assert pages == 5
    assert type(pages) is int


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE x --", "${secret}", "{{7*7}}", "%s", "{0.__class__}", "None", "null", "🦆\u202e\u200b", "`@@x`"],
)
def test_text_is_data_whatever_it_looks_like(text: str) -> None:
    assert typed({"team": text}).parameters["team"] == text


def test_defaults_are_filled_in() -> None:
    declared = (
        Parameter("pages", ParameterType.INT, default=5),
        Parameter("since", ParameterType.DATE, default="today-7"),
    )
    parameters = typed({}, *declared).parameters
    assert (parameters["pages"], parameters["since"]) == (5, "2025-06-08")
    assert typed({"pages": 9}, *declared).parameters["pages"] == 9


@pytest.mark.parametrize(
    ("default", "window"),
    [
        ({"start_date": "month_start"}, DateWindow(date(2025, 6, 1), YESTERDAY)),
        ({"start_date": "month_start", "end_date": "today"}, DateWindow(date(2025, 6, 1), TODAY)),
        ({"start_date": "today-3", "end_date": "yesterday"}, DateWindow(date(2025, 6, 12), YESTERDAY)),
        ({"date": "today"}, DateWindow(TODAY, TODAY)),
    ],
)
def test_a_pipeline_may_declare_its_days(default: Mapping[str, str], window: DateWindow) -> None:
    declared = [Parameter(name, ParameterType.DATE, default=day) for name, day in default.items()]
    assert typed({}, *declared).window == window


def test_days_that_are_given_go_before_those_that_are_declared() -> None:
    start = Parameter("start_date", ParameterType.DATE, default="month_start")
    day = Parameter("date", ParameterType.DATE, default="today")
    assert typed({"date": "2025-05-05"}, start).window.days == (date(2025, 5, 5),)
    assert typed({"start_date": "2025-06-12"}, day).window == DateWindow(date(2025, 6, 12), YESTERDAY)


def test_who_asked_and_the_wish_to_read_again_stand_apart() -> None:
    inputs = typed({"trigger_by": "nightly", "force_refresh": True})
    assert (inputs.trigger_by, inputs.force_refresh) == ("nightly", True)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "pages": st.integers(-(2**53), 2**53) | st.integers(-1000, 1000).map(float),
            "full": st.booleans(),
            "mode": st.sampled_from(["fast", "slow"]),
            "team": st.text(
                st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=50
            ).filter(str.strip),
        },
    ),
    st.sampled_from(["date", "start_date"]),
    st.dates(date(2025, 4, 1), TODAY),
    st.integers(0, 30),
)
def test_typed_parameters_are_json_and_give_the_same_again_on_a_later_day(
    raw: Mapping[str, Any], name: str, day: date, later: int
) -> None:
    inputs = typed({**raw, name: day.isoformat()})
    kept = json.loads(json.dumps(inputs.parameters))
    again = type_parameters(pipeline(*DECLARED), kept, TODAY + timedelta(days=later))
    assert again == inputs


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), ANYTHING, max_size=4))
@effort(60)
def test_whatever_is_given_is_typed_or_named_and_never_fails(raw: Mapping[str, Any]) -> None:
    try:
        inputs = typed(on_day(pipeline(*DECLARED), raw, TODAY))
    except FailedError as error:
        assert error.failure.violations  # noqa: PT017 - both outcomes are fine
    else:
        assert json.loads(json.dumps(inputs.parameters, allow_nan=False)) == inputs.parameters


def test_relative_days_are_those_of_the_day_asked_for() -> None:
    raw = {"date": "today-3", "since": "month_start", "until": "yesterday", "start_date": "2026-02-30", "note": "today"}
    flow = pipeline(Parameter("since", ParameterType.DATE), Parameter("until", ParameterType.DATE), Parameter("note"))
    assert on_day(flow, raw, date(2026, 3, 2)) == {
        "date": "2026-02-27",
        "since": "2026-03-01",
        "until": "2026-03-01",
        "start_date": "2026-02-30",
        "note": "today",
    }
