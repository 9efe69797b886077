"""F: idempotency keys, runs by id, page tokens, filters, the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from tests.e2e.stack.wrong_input.row import (
    BAD,
    BAD_TOKEN,
    CONFLICT,
    NO_RUN,
    OVER,
    Expected,
    Row,
    Served,
    item,
)
from tests.e2e.stack.wrong_input.sending import AtOnce, Native, Raw, Rest, Sent

RUN = "/api/v1/pipelines/run/careless/example/smoke/nothing"
RUNS = "/api/v1/pipelines/runs"
NAMES = {"org": "careless", "provider": "example", "domain": "smoke", "pipeline": "nothing"}
KEY = ("x-api-key", "<key>")


def rest(key: str, note: str = "same") -> Rest:
    """Start a run under a key by REST."""
    return Rest(f"POST {RUN}", f'{{"note": "{note}"}}', {"Idempotency-Key": key})


def native(key: str, note: str = "same") -> Native:
    """Start a run under a key by native gRPC."""
    return Native("RunPipeline", {**NAMES, "parameters": {"note": note}}, (KEY, ("idempotency-key", key)))


def listed(name: str, by: str, expected: Expected, **query: str | int) -> Iterator[Row]:
    """List runs by both transports; what is no number to REST cannot be said in protobuf."""
    said = "&".join(f"{field}={quote(str(value), safe='<>')}" for field, value in query.items())
    yield Row(name, by, Rest(f"GET {RUNS}?{said}"), expected)
    yield Row(name, by, Native("ListRuns", query), expected)


def of_run(name: str, by: str, run_id: str, expected: Expected, *methods: str) -> Iterator[Row]:
    """Do to a run by both transports."""
    calls = {
        "GetRun": f"GET {RUNS}/{run_id}",
        "WatchRun": f"GET {RUNS}/{run_id}/events",
        "ExplainRun": f"GET {RUNS}/{run_id}/explain",
        "CancelRun": f"POST {RUNS}/{run_id}/cancel",
        "RetryRun": f"POST {RUNS}/{run_id}/retry",
    }
    for method in methods or calls:
        yield Row(name, f"{by}_to_{method}", Rest(calls[method]), expected)
        yield Row(name, f"{by}_to_{method}", Native(method, {"run_id": run_id}), expected)


def cancels() -> list[tuple[str, Sent]]:
    """Return the ways to cancel."""
    return [
        ("post", Rest(f"POST {RUNS}/<done>/cancel")),
        ("delete", Rest(f"DELETE {RUNS}/<done>")),
        ("native", Native("CancelRun", {"run_id": "<done>"})),
    ]


HALTED: Mapping[str, Callable[[Mapping[str, str]], Sent]] = {
    "process": lambda key: Rest("POST /api/v1/scheduler/queue/process", key=key),
    "old_path": lambda key: Rest("POST /api/v1/scheduler/process-queue", key=key),
    "native": lambda key: Native("ProcessQueue", metadata=tuple((name.lower(), text) for name, text in key.items())),
}
DONE: Mapping[str, Any] = {"status": "COMPLETED"}
SAME: Mapping[str, Any] = {"existing": True}

ROWS = [
    Row(item("F77"), "twice", rest("f77"), Served(SAME), first=(rest("f77"),)),
    Row(item("F77"), "twice", native("f77n"), Served(SAME), first=(native("f77n"),)),
    Row(item("F77"), "by_both", native("f77b"), Served(SAME), first=(rest("f77b"),)),
    Row(item("F78"), "other_note", rest("f78", "other"), CONFLICT, first=(rest("f78"),)),
    Row(item("F78"), "other_note", native("f78n", "other"), CONFLICT, first=(native("f78n"),)),
    Row(item("F78"), "across", native("f78b", "other"), CONFLICT, first=(rest("f78b"),)),
    *(
        row
        for by, key in {"empty": "", "blank": " ", "129": "k" * 129, "7_kb": "k" * 7_000}.items()
        for row in (Row(item("F79"), by, rest(key), BAD), Row(item("F79"), by, native(key), BAD))
    ),
    Row(item("F79"), "unicode", rest("snow \N{SNOWMAN}"), BAD),
    Row(
        item("F79"),
        "twice",
        Raw(f"POST {RUN}", b"X-API-Key: <key>\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n"),
        BAD,
    ),
    Row(item("F79"), "tab", Raw(f"POST {RUN}", b"X-API-Key: <key>\r\nIdempotency-Key: a\tb\r\n\r\n"), BAD),
    Row(item("F79"), "delete", Raw(f"POST {RUN}", b"X-API-Key: <key>\r\nIdempotency-Key: a\x7fb\r\n\r\n"), BAD),
    Row(item("F80"), "fifty", AtOnce(rest("f80", "fifty"), 50), Served({"org_slug": "careless"})),
    Row(item("F80"), "fifty_native", AtOnce(native("f80n", "fifty natively"), 50), Served({"org_slug": "careless"})),
    *of_run(item("F81"), "unknown", "<absent>", NO_RUN),
    *of_run(item("F81"), "foreign", "<foreign>", NO_RUN),
    *(Row(item("F81"), f"ended_by_{by}", sent, Served(DONE)) for by, sent in cancels()),
    *(Row(item("F82"), by, sent, Served(DONE), first=(sent,)) for by, sent in cancels()),
    *(
        row
        for by, token in {
            "forged": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "no_base64": "not-a-token!",
            "another_orgs": "<foreign_token>",
            "cut_short": "<cut_token>",
            "unicode": "\N{SNOWMAN}",
        }.items()
        for row in listed(item("F83"), by, BAD_TOKEN, page_token=token)
    ),
    *listed(item("F83"), "with_another_filter", BAD_TOKEN, page_token="<token>", status="FAILED"),
    *listed(item("F83"), "endless", BAD.of("page_token"), page_token="A" * 600),
    Row(item("F83"), "of_the_queue", Rest("GET /api/v1/scheduler/queue?page_token=<token>"), BAD_TOKEN),
    Row(item("F83"), "of_the_queue", Native("GetQueue", {"page_token": "<token>"}), BAD_TOKEN),
    *listed(item("F84"), "below", BAD.of("page_size"), page_size=-1),
    *listed(item("F84"), "zero", Served(), page_size=0),
    *listed(item("F84"), "milliard", Served(), page_size=1_000_000_000),
    *listed(item("F84"), "limit_below", BAD.of("limit"), limit=-1),
    *(
        Row(item("F84"), by, Rest(f"GET {RUNS}?page_size={text}"), BAD.of("page_size"))
        for by, text in {"word": "abc", "half": "1.5", "empty": "", "exponent": "1e3", "hex": "0x10"}.items()
    ),
    *listed(item("F85"), "status", BAD.of("status"), status="COMPLETED' OR '1'='1"),
    *listed(item("F85"), "pipeline", BAD.of("pipeline_id"), pipeline_id="x'; DROP TABLE run;--"),
    *listed(item("F85"), "wild_card", BAD.of("pipeline_id"), pipeline_id="%"),
    *listed(item("F85"), "lower_case", BAD.of("status"), status="completed"),
    *of_run(item("F86"), "word", "not-a-uuid", BAD.of("run_id")),
    *(
        row
        for by, run_id in {"zeros": "0" * 36, "number": "123", "bare": "0" * 32, "longer": "<done>0"}.items()
        for row in of_run(item("F86"), by, run_id, BAD.of("run_id"), "GetRun", "CancelRun")
    ),
    Row(item("F86"), "template", Rest(f"GET {RUNS}/%7Bx%7D"), BAD.of("run_id")),
    *of_run(item("F86"), "upper_case", "<DONE>", Served(DONE), "GetRun", "CancelRun"),
    *of_run(item("F86"), "nil", "<nil>", NO_RUN, "GetRun", "RetryRun"),
    *(
        Row(item("F87"), f"{by}_{org}", sent({"X-API-Key": f"<{org}_key>"}), OVER)
        for org in ("halted", "ended")
        for by, sent in HALTED.items()
    ),
]
