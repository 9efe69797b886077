"""E: parameters of a run, over both transports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.e2e.stack.wrong_input.row import BAD_PARAMETERS, Expected, Row, Served, item
from tests.e2e.stack.wrong_input.sending import Native, Rest

NOTHING = "example/smoke/nothing"
EXTRACT = "openai/cost/cost_extract"
COSTS = "saas_subscription/costs/saas_cost"
VALIDATE = "integrations/credentials/validate"
BILLING = "gcp/cost/billing"

Parameters = Mapping[str, Any]


def both(name: str, by: str, given: Parameters, expected: Expected, pipeline: str = NOTHING) -> Iterator[Row]:
    """Start a run with parameters, by REST and by native gRPC."""
    names = dict(zip(("provider", "domain", "pipeline"), pipeline.split("/"), strict=True))
    yield Row(name, by, Rest(f"POST /api/v1/pipelines/run/careless/{pipeline}", json.dumps(given)), expected)
    yield Row(name, by, Native("RunPipeline", {"org": "careless", **names, "parameters": given}), expected)


def refused(name: str, by: str, given: Parameters, *naming: str, pipeline: str = EXTRACT) -> Iterator[Row]:
    """Expect a refusal that names these parameters."""
    return both(name, by, given, BAD_PARAMETERS.of(*naming), pipeline)


def date(name: str, **days: Any) -> Iterator[Row]:
    """Expect that none of these is a day."""
    return (row for by, day in days.items() for row in refused(name, by, {"date": day}, "date"))


def text(name: str, **texts: str) -> Iterator[Row]:
    """Expect that a text is taken as it is."""
    return (row for by, one in texts.items() for row in both(name, by, {"note": one}, Served({"org_slug": "careless"})))


def identifier(name: str, **texts: str) -> Iterator[Row]:
    """Expect that a text names no table, by both transports."""
    for by, one in texts.items():
        given = {"export_dataset": one, "export_table": one}
        yield from refused(name, by, given, *given, pipeline=BILLING)


ROWS = [
    *refused(item("E61"), "end_first", {"start_date": "2025-02-02", "end_date": "2025-02-01"}, "end_date"),
    *refused(item("E61"), "end_alone", {"end_date": "2025-01-01"}, "end_date"),
    *refused(item("E62"), "93_days", {"start_date": "2025-01-01", "end_date": "2025-04-03"}, "end_date"),
    *refused(item("E62"), "since_ever", {"start_date": "2000-01-01", "end_date": "2025-01-01"}, "end_date"),
    *refused(item("E62"), "from_there_to_today", {"start_date": "2020-01-01"}, "start_date"),
    *date(
        item("E63"),
        february_30="2025-02-30",
        month_13="2025-13-01",
        short="25-1-1",
        compact="20250101",
        week="2025-W01-1",
        epoch=1735689600,
        epoch_as_text="1735689600",
        year_1="0001-01-01",
        year_9999="9999-12-31",
        year_10000="10000-01-01",
        negative="-2025-01-01",
        arabic_digits="2\N{ARABIC-INDIC DIGIT ONE}25-01-01",
        word="yesterday",
        empty="",
    ),
    *date(item("E64"), time="2025-01-01T00:00:00", zone="2025-01-01T00:00:00Z", offset="2025-01-01+02:00"),
    *date(item("E65"), far="2999-01-01"),
    *refused(item("E65"), "end", {"start_date": "2025-01-01", "end_date": "2999-01-01"}, "end_date"),
    *refused(item("E66"), "date_and_start", {"date": "2025-01-01", "start_date": "2025-01-01"}, "date"),
    *refused(item("E66"), "date_and_end", {"date": "2025-01-01", "end_date": "2025-01-01"}, "date"),
    *text(
        item("E67"),
        variable="${secret}",
        braces="{{7*7}}",
        percent="%s%n%x",
        attribute="{0.__class__}",
        inner="{run_id}",
        log4j="${jndi:ldap://127.0.0.1/a}",
    ),
    *text(
        item("E68"),
        drop="'; DROP TABLE run; --",
        backtick="`x`",
        comment="/* x */ -- y",
        at="@@version",
        quote="\\' OR 1=1",
    ),
    *identifier(
        item("E69"),
        dot="a.b",
        dash="a-b;",
        backtick="a`b",
        leading_digit="9lives!",
        space="a b",
        long="a" * 1025,
        path="../x",
    ),
    *refused(item("E70"), "anothers", {"credential": "OPENAI"}, "credential"),
    *refused(item("E71"), "left_out", {}, "credential", pipeline=VALIDATE),
    *refused(item("E71"), "null", {"credential": None}, "credential", pipeline=VALIDATE),
    *refused(item("E72"), "list", {"date": ["2025-01-01"]}, "date"),
    *refused(item("E72"), "object", {"date": {"day": "2025-01-01"}}, "date"),
    *refused(item("E72"), "list_for_text", {"note": ["x"]}, "note", pipeline=NOTHING),
    *refused(item("E72"), "list_for_choice", {"credential": ["OPENAI"]}, "credential", pipeline=VALIDATE),
    *refused(item("E72"), "object_for_choice", {"credential": {"OPENAI": 1}}, "credential", pipeline=VALIDATE),
    *refused(item("E72"), "number_for_choice", {"credential": 1}, "credential", pipeline=VALIDATE),
    *text(
        item("E73"),
        emoji="\N{ROCKET}",
        override="\N{RIGHT-TO-LEFT OVERRIDE}txt.exe",
        no_width="a\N{ZERO WIDTH SPACE}b",
        combining="Z" + "\N{COMBINING ACUTE ACCENT}" * 50,
        escape="\x1b[31mred\x1b[0m",
        line_breaks='a\r\n{"event": "forged"}',
    ),
    *refused(item("E73"), "nul", {"note": "a\0b"}, "note", pipeline=NOTHING),
    *refused(item("E74"), "64_kb", {"note": "x" * 64_000}, "parameters", pipeline=NOTHING),
    *refused(item("E74"), "5_kb", {"note": "x" * 5_000}, "note", pipeline=NOTHING),
    *refused(item("E75"), "space", {"note": " "}, "note", pipeline=NOTHING),
    *refused(item("E75"), "tabs_and_lines", {"note": "\t\r\n"}, "note", pipeline=NOTHING),
    *refused(item("E75"), "unicode_space", {"trigger_by": "\N{EM SPACE}\N{NO-BREAK SPACE}"}, "trigger_by"),
    *text(item("E76"), none="None", null="null", undefined="undefined", nan="NaN"),
    *refused(item("E76"), "as_a_choice", {"credential": "None"}, "credential", pipeline=VALIDATE),
]
