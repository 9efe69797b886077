"""A: paths and queries of REST, and the same names where native gRPC carries them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.e2e.stack.wrong_input.row import (
    BAD,
    HEADERS_TOO_LARGE,
    NO_METHOD,
    NO_PIPELINE,
    NOT_YOURS,
    NOWHERE,
    Ended,
    Expected,
    Row,
    Served,
    item,
)
from tests.e2e.stack.wrong_input.sending import Native, Raw, Rest

HERE = "POST /api/v1/pipelines/run"
RUNS = "/api/v1/pipelines/runs"
NOTHING = ("careless", "example", "smoke", "nothing")
PARTS = ("org", "provider", "domain", "pipeline")
RAN = Served({"pipeline_id": "careless-example-smoke-nothing"})


def path(**changed: str) -> str:
    """Return the call that runs the pipeline that does nothing, with other names in some places."""
    names = dict(zip(PARTS, NOTHING, strict=True)) | changed
    return f"{HERE}/{'/'.join(names.values())}"


def native(**changed: str) -> Native:
    """Return the same call by native gRPC."""
    return Native("RunPipeline", dict(zip(PARTS, NOTHING, strict=True)) | changed)


def in_each_place(name: str, by: str, text: str, expected: Expected) -> Iterator[Row]:
    """Put a text in the place of each segment."""
    return (Row(name, f"{by}_as_{part}", Rest(path(**{part: text})), expected) for part in PARTS)


def named(name: str, by: str, escaped: str, plain: str) -> Iterator[Row]:
    """Put a name that is none in each place, by both transports."""
    for part in PARTS:
        expected = NOT_YOURS if part == "org" else BAD.of(part)
        yield Row(name, f"{by}_as_{part}", Rest(path(**{part: escaped})), expected)
        yield Row(name, f"{by}_as_{part}", native(**{part: plain}), expected)


ROWS = [
    *in_each_place(item("A1"), "dots", "..", NOWHERE),
    Row(item("A1"), "escaped_dots", Rest(path(org="%2e%2e")), NOWHERE),
    Row(item("A1"), "escaped_dots_further_on", Rest(path(domain="%2e%2e")), NOWHERE),
    Row(item("A1"), "dots_and_slash", Rest(path(provider="%2e%2e%2f")), BAD),
    Row(item("A1"), "file", Rest(path(pipeline="..%2f..%2fetc%2fpasswd")), BAD),
    *(Row(item("A1"), f"dots_as_{part}", native(**{part: ".."}), BAD.of(part)) for part in PARTS[1:]),
    Row(item("A1"), "dots_as_org", native(org=".."), NOT_YOURS),
    *in_each_place(item("A2"), "slash", "a%2Fb", BAD),
    Row(item("A2"), "backslash", Rest(path(domain="a%5Cb")), BAD),
    *(Row(item("A2"), f"slash_as_{part}", native(**{part: "a/b"}), BAD.of(part)) for part in PARTS[1:]),
    Row(item("A3"), "empty_domain", Rest(f"{HERE}/careless/anthropic//absent"), NO_PIPELINE),
    Row(item("A3"), "dash", Rest(f"{HERE}/careless/anthropic/-/absent"), NO_PIPELINE),
    Row(item("A3"), "empty_domain", native(provider="anthropic", domain="", pipeline="absent"), NO_PIPELINE),
    Row(item("A3"), "no_domain", Rest(f"{HERE}/careless/example/nothing"), NOWHERE),
    Row(item("A3"), "no_pipeline", Rest(f"{HERE}/careless/example/smoke/"), NOWHERE),
    Row(item("A3"), "no_pipeline", native(pipeline=""), BAD.of("pipeline")),
    Row(item("A3"), "neither", Rest(f"{HERE}/careless/example//"), NOWHERE),
    Row(item("A4"), "one", Rest(f"{path()}/"), RAN),
    Row(item("A4"), "two", Rest(f"{path()}//"), RAN),
    *named(item("A5"), "long", "a" * 300, "a" * 300),
    *named(item("A6"), "upper_case", "CARELESS", "CARELESS"),
    *named(item("A6"), "mixed_case", "Careless", "Careless"),
    *named(item("A7"), "cyrillic", "c%D0%B0reless", "c\N{CYRILLIC SMALL LETTER A}reless"),
    *named(item("A7"), "full_width", "%EF%BD%81", "\N{FULLWIDTH LATIN SMALL LETTER A}"),
    *in_each_place(item("A8"), "nul", "a%00b", BAD),
    *(Row(item("A8"), f"nul_as_{part}", native(**{part: "a\0b"}), BAD.of(part)) for part in PARTS[1:]),
    Row(item("A9"), "of_a_pipeline", Rest(f"{path()}:cancel"), NOWHERE),
    Row(item("A9"), "of_a_run", Rest(f"POST {RUNS}/<done>:cancel"), NOWHERE),
    Row(item("A9"), "in_a_name", native(pipeline="nothing:cancel"), BAD.of("pipeline")),
    Row(item("A10"), "of_a_pipeline", Rest(f"{path()};version=2"), NOWHERE),
    Row(item("A10"), "of_an_org", Rest(path(org="careless;x=1")), NOWHERE),
    Row(item("A10"), "in_a_name", native(pipeline="nothing;version=2"), BAD.of("pipeline")),
    *(
        row
        for by, org in (("real", "globex"), ("absent", "no_such_org"), ("central", "organizations"))
        for row in (
            Row(item("A11"), by, Rest(path(org=org)), NOT_YOURS),
            Row(item("A11"), by, native(org=org), NOT_YOURS),
            Row(item("A11"), f"schedules_of_{by}", Rest(f"GET /api/v1/scheduler/org/{org}/pipelines"), NOT_YOURS),
            Row(item("A11"), f"schedules_of_{by}", Native("ListSchedules", {"org": org}), NOT_YOURS),
        )
    ),
    *(
        row
        for provider in ("system", "orgs", "notify_systems")
        for row in (
            Row(item("A12"), provider, Rest(path(provider=provider)), NO_PIPELINE),
            Row(item("A12"), provider, native(provider=provider), NO_PIPELINE),
        )
    ),
    *in_each_place(item("A12"), "dot_file", ".git", NOWHERE),
    *(Row(item("A12"), f"dot_file_as_{part}", native(**{part: ".git"}), BAD.of(part)) for part in PARTS[1:]),
    Row(item("A13"), "page_size", Rest(f"GET {RUNS}?page_size=1&page_size=abc"), BAD.of("page_size")),
    Row(item("A13"), "status", Rest(f"GET {RUNS}?status=NONE&status=COMPLETED"), Served()),
    Row(item("A13"), "status_the_last_wins", Rest(f"GET {RUNS}?status=COMPLETED&status=NONE"), BAD.of("status")),
    Row(item("A13"), "path_by_query", Rest(f"{path()}?org=globex&pipeline=absent"), RAN),
    Row(item("A13"), "run_by_query", Rest(f"GET {RUNS}/<done>?run_id=evil"), Served({"status": "COMPLETED"})),
    *(
        Row(item("A14"), by, Rest(f"GET {RUNS}?{query}"), BAD)
        for by, query in {
            "unknown": "bogus=1",
            "into_the_body": "parameters.x=1",
            "into_a_number": "page_size.x=1",
            "brackets": "status[]=1",
            "nested": "page.size=1",
        }.items()
    ),
    Row(item("A14"), "into_the_body_of_a_post", Rest(f"{path()}?parameters.fields.x=1", "{}"), BAD),
    *(
        Row(
            item("A15"),
            f"{method.lower()}_{by}",
            Rest(f"{method} {where}"),
            Ended.by("EMPTY") if method == "HEAD" else NOWHERE,
        )
        for by, where in (("pipeline", path().removeprefix("POST ")), ("run", f"{RUNS}/<done>"), ("runs", RUNS))
        for method in ("GET", "HEAD", "PUT", "PATCH", "POST", "TRACE", "DELETE")
        if (method, by) not in {("GET", "run"), ("GET", "runs"), ("POST", "pipeline"), ("DELETE", "run")}
    ),
    Row(item("A15"), "no_method_at_all", Rest(f"BREW {RUNS}"), BAD),
    Row(item("A15"), "grpc_path_without_grpc", Rest("POST /datapipeline.v1.PipelineService/RunPipeline"), NOWHERE),
    Row(item("A15"), "no_such_path", Rest("GET /admin"), NOWHERE),
    Row(item("A15"), "root", Rest("GET /"), NOWHERE),
    Row(item("A15"), "asterisk", Raw("OPTIONS *", b"\r\n"), Ended.by("CLOSED", "NOT_FOUND", "INVALID_ARGUMENT")),
    Row(item("A15"), "connect", Raw("CONNECT 127.0.0.1:22", b"\r\n"), Ended.by("NOT_FOUND", "INVALID_ARGUMENT")),
    Row(item("A15"), "no_such_method", Native("/datapipeline.v1.PipelineService/GetRuns", b""), NO_METHOD),
    Row(item("A16"), "query", Rest(f"GET {RUNS}?status={'A' * 20_000}"), HEADERS_TOO_LARGE),
    Row(item("A16"), "segment", Rest(path(pipeline="a" * 20_000)), HEADERS_TOO_LARGE),
]
