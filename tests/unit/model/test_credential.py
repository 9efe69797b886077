from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.credential import (
    LONGEST,
    MOST_SHOWN,
    CredentialForm,
    CredentialType,
    credential_id,
    shown,
    verdict_of,
)
from workers.model.failure import Reason, provider_failed
from workers.model.secret import Secret

KEY_FILE = {
    "type": "service_account",
    "project_id": "p",
    "private_key_id": "1",
    "private_key": "-----BEGIN PRIVATE KEY-----",
    "client_email": "a@p.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}
ADMIN = CredentialForm(prefix="sk-admin-")
ACCOUNT = CredentialForm(CredentialType.SERVICE_ACCOUNT_JSON)


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        (ADMIN, "sk-admin-1", ""),
        (ADMIN, "sk-proj-1", "it does not begin with sk-admin-"),
        (ADMIN, " ", "it is empty"),
        (ADMIN, "sk-admin-1\n", "it has blanks around it or more than"),
        (CredentialForm(), "x" * (LONGEST + 1), "it has blanks around it or more than"),
        (CredentialForm(), "anything", ""),
        (ACCOUNT, json.dumps(KEY_FILE), ""),
        (ACCOUNT, "sk-admin-1", "it is not JSON"),
        (ACCOUNT, "[]", "it is not the key file of a service account"),
        (ACCOUNT, json.dumps(KEY_FILE | {"type": "authorized_user"}), "it is not the key file of a service account"),
        (ACCOUNT, json.dumps(KEY_FILE | {"private_key": "", "project_id": 3}), "it has no project_id, private_key"),
    ],
)
def test_the_form_of_a_credential_is_judged(form: CredentialForm, text: str, said: str) -> None:
    objection = form.objection(Secret(text))
    assert objection.startswith(said) if said else objection == ""


@given(st.text(min_size=12), st.sampled_from([ADMIN, ACCOUNT]))
def test_an_objection_quotes_nothing_of_the_secret(text: str, form: CredentialForm) -> None:
    assert text not in form.objection(Secret(text))


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("answered 403 (ACCESS_TOKEN_SCOPE_INSUFFICIENT)", "answered 403 (ACCESS_TOKEN_SCOPE_INSUFFICIENT)"),
        ("bad key AIzaSyD-1234567890_abcdefg\nsorry", "bad key *** sorry"),
        ("-----BEGIN PRIVATE KEY----- MIIE", "***"),
        ("x " * 400, ("x " * 400)[:MOST_SHOWN]),
    ],
)
def test_a_stored_error_is_shown_in_a_line_without_what_looks_like_a_key(stored: str, said: str) -> None:
    assert shown(stored) == said


def test_a_failure_that_is_not_about_the_credential_is_no_verdict() -> None:
    away = provider_failed(Reason.PROVIDER_UNAVAILABLE, "away", retryable=True, status="503")
    assert verdict_of(away.failure, "") is None


@given(st.lists(st.text(), min_size=1), st.lists(st.text(), min_size=1))
def test_acts_that_differ_have_ids_that_differ(one: list[Any], other: list[Any]) -> None:
    assert (credential_id(*one) == credential_id(*other)) is (one == other)
