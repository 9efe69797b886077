"""C: JSON bodies, and what protobuf can carry that is as wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from datapipeline.v1 import pipelines_pb2
from google.protobuf.struct_pb2 import Value

from tests.e2e.stack.wrong_input.row import BAD, BAD_PARAMETERS, TOO_LARGE, Expected, Refused, Row, Served, item
from tests.e2e.stack.wrong_input.sending import Body, Native, Rest

RUN = "POST /api/v1/pipelines/run/careless/example/smoke/nothing"
CANCEL = "POST /api/v1/pipelines/runs/<absent>/cancel"
SCHEDULES = "POST /api/v1/scheduler/org/careless/pipelines"
NAMES: dict[str, Any] = {"org": "careless", "provider": "example", "domain": "smoke", "pipeline": "nothing"}
MIB = 1024 * 1024
DEEP = 100_000


def to_both(name: str, by: str, body: Body, expected: Refused = BAD) -> Iterator[Row]:
    """Send a body to a method with parameters and to one whose body has fields."""
    yield Row(name, by, Rest(RUN, body), expected)
    yield Row(name, f"{by}_to_cancel", Rest(CANCEL, body), expected)


def to_run(name: str, by: str, body: Body, expected: Refused = BAD) -> Row:
    """Send a body to the method with parameters only: what reads it is the same for all."""
    return Row(name, by, Rest(RUN, body), expected)


def native(name: str, by: str, message: pipelines_pb2.RunPipelineRequest | bytes, expected: Expected) -> Row:
    """Send a request that no JSON makes."""
    data = message if isinstance(message, bytes) else message.SerializeToString()
    return Row(name, by, Native("RunPipeline", data), expected)


def with_value(name: str, value: Value) -> pipelines_pb2.RunPipelineRequest:
    """Return a request with one parameter of any kind."""
    request = pipelines_pb2.RunPipelineRequest(**NAMES)
    request.parameters.fields[name].CopyFrom(value)
    return request


def many() -> bytes:
    """Return 100,000 parameters."""
    return json.dumps({f"k{number}": 1 for number in range(100_000)}).encode()


def many_natively() -> bytes:
    """Return 100,000 parameters as protobuf."""
    request = pipelines_pb2.RunPipelineRequest(**NAMES)
    request.parameters.update({f"k{number}": 1 for number in range(100_000)})
    return request.SerializeToString()


def large() -> bytes:
    """Return a text of 5 MiB as protobuf."""
    return with_value("note", Value(string_value="x" * 5 * MIB)).SerializeToString()


def schedule(name: str, by: str, member: str, value: str) -> Row:
    """Send a schedule with one number or truth value written as given."""
    body = f'{{"provider": "example", "pipeline": "nothing", "schedule_cron": "0 4 * * *", "{member}": {value}}}'
    return Row(name, by, Rest(SCHEDULES, body), BAD.of(f"schedule.{member}"))


ROWS = [
    *(
        Row(item("C34"), by, Rest(RUN, body), Served())
        for by, body in {"none": None, "empty": "", "object": "{}"}.items()
    ),
    Row(item("C34"), "nothing", Native("RunPipeline", NAMES), Served()),
    Row(item("C35"), "null", Rest(RUN, "null"), Served()),
    *(
        row
        for by, body in {"list": "[]", "text": '"x"', "number": "1", "truth": "true"}.items()
        for row in to_both(item("C35"), by, body)
    ),
    *(
        row
        for by, body in {"key": '{"note":', "object": '{"note": "x"', "text": '{"note": "x', "brace": "{"}.items()
        for row in to_both(item("C36"), by, body)
    ),
    native(item("C36"), "truncated", pipelines_pb2.RunPipelineRequest(**NAMES).SerializeToString()[:-1], BAD),
    to_run(item("C37"), "byte_order_mark", '\ufeff{"note": "x"}'),
    to_run(item("C37"), "invalid_utf_8", b'{"note": "\xff"}'),
    to_run(item("C37"), "overlong_utf_8", b'{"note": "\xc0\xaf"}'),
    to_run(item("C37"), "half_a_pair", '{"note": "\\ud800"}'),
    to_run(item("C37"), "utf_16", '{"note": "x"}'.encode("utf-16")),
    native(item("C37"), "invalid_utf_8", b"\x0a\x02\xff\xfe", BAD),
    *to_both(item("C38"), "twice", '{"note": "a", "note": "b"}'),
    *to_both(item("C38"), "twice_within", '{"note": {"a": 1, "a": 1}}'),
    Row(item("C39"), "parameter", Rest(RUN, '{"unknown": 1}'), BAD_PARAMETERS.of("unknown")),
    Row(
        item("C39"),
        "parameter",
        Native("RunPipeline", {**NAMES, "parameters": {"unknown": 1}}),
        BAD_PARAMETERS.of("unknown"),
    ),
    Row(item("C39"), "field", Rest(CANCEL, '{"why": "late", "run_id": "x"}'), BAD.of("why", "run_id")),
    Row(item("C39"), "field_of_a_retry", Rest(CANCEL.replace("cancel", "retry"), '{"why": 1}'), BAD.of("why")),
    Row(item("C39"), "field", Native("CancelRun", {"run_id": "<absent>", "body": {"why": "late"}}), BAD.of("why")),
    *(Row(item("C40"), f"{depth}", Rest(RUN, f'{{"note": {"[" * depth}{"]" * depth}}}'), BAD) for depth in (50, 90)),
    to_run(item("C40"), "objects", '{"a":' * DEEP + "1" + "}" * DEEP),
    to_run(item("C40"), "lists", "[" * DEEP),
    to_run(item("C41"), "nan", '{"note": NaN}'),
    to_run(item("C41"), "infinity", '{"note": Infinity}'),
    to_run(item("C41"), "minus_infinity", '{"note": -Infinity}'),
    to_run(item("C41"), "beyond_a_double", '{"note": 1e999}'),
    *(
        native(item("C41"), by, with_value(name, Value(number_value=number)), BAD_PARAMETERS.of(name))
        for by, number in {"nan": math.nan, "infinity": math.inf, "minus_infinity": -math.inf}.items()
        for name in ("note",)
    ),
    to_run(item("C42"), "5000_digits", '{"note": ' + "9" * 5000 + "}"),
    Row(
        item("C42"),
        "64_bits_in_the_query",
        Rest("GET /api/v1/pipelines/runs?page_size=9223372036854775808"),
        BAD.of("page_size"),
    ),
    Row(
        item("C42"),
        "32_bits_in_the_query",
        Rest("GET /api/v1/pipelines/runs?page_size=2147483648"),
        BAD.of("page_size"),
    ),
    *(
        schedule(item("C42"), by, "priority", text)
        for by, text in {
            "beyond_64_bits": "9223372036854775808",
            "beyond_32_bits": "2147483648",
            "almost_whole": "1.0000000001",
            "as_text": '"3"',
        }.items()
    ),
    Row(item("C43"), "parameter", Rest(RUN, '{"force_refresh": "true"}'), BAD_PARAMETERS.of("force_refresh")),
    Row(item("C43"), "number", Rest(RUN, '{"force_refresh": 1}'), BAD_PARAMETERS.of("force_refresh")),
    Row(
        item("C43"),
        "parameter",
        Native("RunPipeline", {**NAMES, "parameters": {"force_refresh": "true"}}),
        BAD_PARAMETERS.of("force_refresh"),
    ),
    schedule(item("C43"), "field", "is_active", '"true"'),
    Row(item("C44"), "text", Rest(RUN, lambda: b'{"note": "' + b"x" * 5 * MIB + b'"}'), TOO_LARGE),
    Row(item("C44"), "text", Native("RunPipeline", large), TOO_LARGE),
    Row(item("C45"), "numbers", Rest(RUN, many), BAD_PARAMETERS.of("parameters")),
    Row(item("C45"), "numbers", Native("RunPipeline", many_natively), BAD_PARAMETERS.of("parameters")),
    *(
        row
        for by, key, told in (
            ("proto", "__proto__", "__proto__"),
            ("constructor", "constructor", "constructor"),
            ("empty", "", "(empty name)"),
            ("dunder", "__class__", "__class__"),
        )
        for row in (
            Row(item("C46"), by, Rest(RUN, json.dumps({key: {"x": 1}})), BAD_PARAMETERS.of(told)),
            Row(
                item("C46"),
                by,
                Native("RunPipeline", {**NAMES, "parameters": {key: {"x": 1}}}),
                BAD_PARAMETERS.of(told),
            ),
        )
    ),
    to_run(item("C47"), "word", '{"note": "x"} trailing'),
    to_run(item("C47"), "two_documents", '{"note": "x"}{"note": "y"}'),
    to_run(item("C48"), "comment", '{"note": "x"} // why'),
    to_run(item("C48"), "block_comment", '{/* why */"note": "x"}'),
    Row(item("C48"), "single_quotes", Rest(RUN, "{'note': 'quoted'}"), Served()),
]
