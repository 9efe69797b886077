"""What `pipelines schedules` refuses before it asks anybody."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from server.cli import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["put", "openai/cost/usage_cost", "--cron", "* * * * *", "--daily", "10:00"], "one of --cron, --daily"),
        (["put", "openai/cost/usage_cost", "--monthly", "10:00"], "is not DAY@HH:MM"),
        (["put", "usage_cost", "--daily", "10:00"], "is not PROVIDER/DOMAIN/PIPELINE"),
        (["put", "openai/cost/usage_cost", "-p", "date"], "neither NAME=TEXT nor NAME:=JSON"),
        (["put", "openai/cost/usage_cost", "--priority", "0"], "not in the range"),
        (["put", "openai/cost/usage_cost", "--overlap", "sometimes"], "is not one of"),
    ],
)
def test_bad_words_are_status_two(words: list[str], said: str) -> None:
    result = CliRunner(env={"PIPELINES_ORG": "acme"}).invoke(main, ["schedules", *words])
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_an_organisation_must_be_named() -> None:
    result = CliRunner(env={"PIPELINES_ORG": ""}).invoke(main, ["schedules", "list"])
    assert (result.exit_code, "--org" in result.output) == (2, True)
