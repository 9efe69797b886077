"""The small values: secrets that do not show, windows of days, identifiers, failures, organisations, patience."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from workers.model.failure import Code, FailedError, Reason, provider_failed, refused
from workers.model.org import Integration, Org, Subscription
from workers.model.patience import Patience, state_of
from workers.model.secret import Secret, bound_data
from workers.model.table import Column, TableSchema, identifier
from workers.model.window import DateWindow

days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
CANARY = "canary-7f3a9"


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{!r:>20}".format, "{:x}".format, "%s".__mod__, ascii])
def test_a_secret_is_not_shown(show: Callable[[object], str]) -> None:
    assert CANARY not in show(Secret(CANARY))


@pytest.mark.parametrize("pack", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_a_secret_cannot_be_packed(pack: Callable[[object], object]) -> None:
    with pytest.raises(TypeError) as caught:
        pack(Secret(CANARY))
    assert CANARY not in str(caught.value)


def test_a_secret_has_nothing_beside_its_text_and_gives_it_when_asked() -> None:
    assert Secret(CANARY).reveal() == CANARY
    assert not hasattr(Secret(CANARY), "__dict__")


@given(st.lists(st.text("abc/_-", min_size=1), min_size=8, max_size=8))
def test_bound_data_differ_as_soon_as_one_part_does(parts: list[str]) -> None:
    one, other = parts[:4], parts[4:]
    assert (bound_data(*one) == bound_data(*other)) == (one == other)


@given(days, st.integers(0, 400))
def test_a_window_holds_every_day_from_first_to_last(first: date, length: int) -> None:
    window = DateWindow(first, first + timedelta(days=length))
    assert len(window) == len(window.days) == length + 1
    assert (window.days[0], window.days[-1]) == (window.first, window.last)
    assert all(day in window for day in window)
    assert first - timedelta(days=1) not in window
    assert (window.end - window.start).days == length + 1
    assert (window.start, window.start.tzinfo) == (datetime(first.year, first.month, first.day, tzinfo=UTC), UTC)


def test_a_window_does_not_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        DateWindow(date(2025, 1, 2), date(2025, 1, 1))


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a.b", "a`b", "a b", "a\n", "ä", "a" * 256, "a;--"])
def test_what_is_no_plain_identifier_never_reaches_sql(name: str) -> None:
    with pytest.raises(ValueError, match="is not an identifier"):
        identifier(name)


@pytest.mark.parametrize("name", ["a", "_a1", "A" * 255, "__stg_x"])
def test_plain_identifiers_pass(name: str) -> None:
    assert identifier(name) == name


def test_a_column_is_found_by_its_name() -> None:
    table = TableSchema("t", (Column("a", "STRING"), Column("b", "INT64")))
    assert table.column("b") == Column("b", "INT64")
    assert table.column("c") is None


def test_a_refusal_says_its_reason_before_its_sentence() -> None:
    error = refused(Code.NOT_FOUND, Reason.RUN_NOT_FOUND, "there is no such run", run="1")
    assert str(error) == "RUN_NOT_FOUND: there is no such run"
    assert (error.failure.retryable, error.failure.metadata) == (False, {"run": "1"})


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.startswith("PROVIDER_")])
def test_a_providers_failure_has_a_code_of_its_class(reason: Reason) -> None:
    codes = {"PROVIDER_AUTH": "PERMISSION_DENIED", "PROVIDER_RATE_LIMIT": "RESOURCE_EXHAUSTED"}
    codes |= {"PROVIDER_UNAVAILABLE": "UNAVAILABLE"}
    error = provider_failed(reason, "GET https://p/x: no", retryable=True, retry_after=3.0)
    assert isinstance(error, FailedError)
    assert error.failure.code == codes.get(reason, "FAILED_PRECONDITION")
    assert (error.failure.retryable, error.failure.retry_after) == (True, 3.0)


TODAY = date(2025, 6, 15)
ACTIVE = Subscription("ACTIVE", "PRO", 1, 1, 1)


@pytest.mark.parametrize(
    ("subscription", "allowed"),
    [
        (ACTIVE, True),
        (evolve(ACTIVE, end_date=TODAY), True),
        (evolve(ACTIVE, end_date=date(2025, 6, 14)), False),
        (evolve(ACTIVE, trial_end_date=date(2025, 6, 14)), True),
        (evolve(ACTIVE, status="TRIAL", trial_end_date=TODAY), True),
        (evolve(ACTIVE, status="TRIAL", trial_end_date=date(2025, 6, 14)), False),
        *((evolve(ACTIVE, status=status), False) for status in ("SUSPENDED", "EXPIRED", "active", "", "ACTIVE ")),
        (None, False),
    ],
)
def test_only_what_is_surely_allowed_is_allowed(subscription: Subscription | None, *, allowed: bool) -> None:
    assert Org("acme", "ACTIVE", "d", subscription).allows(TODAY) is allowed
    assert not Org("acme", "SUSPENDED", "d", subscription).allows(TODAY)


@pytest.mark.parametrize(
    ("status", "subscription", "said"),
    [
        ("SUSPENDED", ACTIVE, "the organisation is SUSPENDED, not ACTIVE"),
        ("DELETED", None, "the organisation is DELETED, not ACTIVE"),
        ("ACTIVE", None, "the organisation has no subscription"),
        ("ACTIVE", evolve(ACTIVE, status="CANCELLED"), "the subscription is CANCELLED, not ACTIVE or TRIAL"),
        ("ACTIVE", evolve(ACTIVE, status="TRIAL", trial_end_date=date(2025, 6, 1)), "the trial ended on 2025-06-01"),
        ("ACTIVE", evolve(ACTIVE, end_date=date(2025, 6, 14)), "the subscription ended on 2025-06-14"),
        ("ACTIVE", ACTIVE, None),
    ],
)
def test_what_keeps_an_organisation_from_running_is_said(
    status: str, subscription: Subscription | None, said: str | None
) -> None:
    assert Org("acme", status, "d", subscription).obstacle(TODAY) == said


def test_only_a_usable_credential_counts() -> None:
    org = Org("acme", "ACTIVE", "d", ACTIVE, (Integration("1", "A", "EXPIRED"), Integration("2", "A", "PENDING")))
    found = org.integration("A")
    assert found is not None
    assert (found.credential_id, org.integration("B")) == ("2", None)


@given(st.integers(0, 5), st.floats(0, 1e6), st.dictionaries(st.text("abc"), st.integers()))
def test_patience_is_found_again_beside_any_state(failures: int, waited: float, state: dict[str, int]) -> None:
    patience = Patience(failures, waited)
    kept = json.loads(json.dumps(dict(patience.beside(state))))
    assert Patience.kept_in(kept) == patience
    assert state_of(kept) == state


def test_patience_lasts_for_one_wait_of_any_length_but_not_for_ever() -> None:
    patience = Patience()
    assert patience.lasts(60)
    assert not patience.waiting(90).lasts(60)
    assert patience.waiting(30).waiting(29).lasts(60)
    assert patience.failed().failed().failures == 2
