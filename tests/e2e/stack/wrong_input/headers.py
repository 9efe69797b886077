"""B: headers of REST, metadata of native gRPC."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from tests.e2e.stack.wrong_input.row import (
    BAD,
    HEADERS_TOO_LARGE,
    NO_KEY,
    TOO_LATE,
    WRONG_KIND,
    Ended,
    Expected,
    Row,
    Served,
    item,
)
from tests.e2e.stack.wrong_input.scene import Door
from tests.e2e.stack.wrong_input.sending import Frames, Native, Raw, Rest

RUNS = "/api/v1/pipelines/runs"
LIST = f"GET {RUNS}?page_size=1"
RUN = "POST /api/v1/pipelines/run/careless/example/smoke/nothing"
FIELDS = {"org": "careless", "provider": "example", "domain": "smoke", "pipeline": "nothing"}
MIB = 1024 * 1024


def key(name: str, by: str, text: str, expected: Expected = NO_KEY, header: str = "x-api-key") -> Iterator[Row]:
    """Send a key by a client of each transport, to a method that reads and to one that starts runs."""
    yield Row(name, by, Rest(LIST, headers={header: text}, key={}), expected)
    yield Row(name, f"{by}_to_run", Native("RunPipeline", FIELDS, metadata=((header, text),)), expected)


def raw_key(name: str, by: str, text: bytes, expected: Expected = NO_KEY) -> Row:
    """Send a key that no client would send."""
    return Row(name, by, Raw(LIST, b"X-API-Key: " + text + b"\r\n\r\n"), expected)


def framed(name: str, by: str, *fields: tuple[str, str], expected: Expected, door: Door = Door.EDGE) -> Row:
    """Send metadata that no client would send."""
    return Row(name, by, Frames("ListRuns", fields=fields, door=door), expected)


def posted(name: str, by: str, lines: bytes, expected: Expected, door: Door = Door.EDGE) -> Row:
    """Send the headers and the body of a POST as bytes."""
    return Row(name, by, Raw(RUN, b"X-API-Key: <key>\r\n" + lines, door), expected)


def _bomb() -> bytes:
    return gzip.compress(b"{" + b" " * 16 * MIB + b"}", 1)


ODD_TIMES = Ended.by("INTERNAL", "OK")  # gRPC reads forty digits as no deadline at all
BY_GRPC = Ended.by("INTERNAL", "UNIMPLEMENTED", "UNKNOWN", "INVALID_ARGUMENT", "CLOSED")
GOOD = ("x-api-key", "<key>")
MALFORMED = Ended.by("INVALID_ARGUMENT", "UNIMPLEMENTED", "CLOSED")

ROWS = [
    Row(item("B17"), "none", Rest(LIST, key={}), NO_KEY),
    Row(item("B17"), "none_to_run", Rest(RUN, "{}", key={}), NO_KEY),
    Row(item("B17"), "none_before_all_else", Rest(f"{RUN}x".replace("smoke", "Smoke"), '{"x": 1}', key={}), NO_KEY),
    Row(item("B17"), "none", Native("ListRuns", metadata=()), NO_KEY),
    Row(item("B17"), "none_to_run", Native("RunPipeline", FIELDS, metadata=()), NO_KEY),
    Row(item("B17"), "none_at_the_service", Native("ListRuns", metadata=(), door=Door.SERVICE), NO_KEY),
    Row(item("B17"), "as_bearer", Rest(LIST, headers={"Authorization": "Bearer <key>"}, key={}), NO_KEY),
    Row(item("B17"), "in_the_query", Rest("GET /api/v1/pipelines?api_key=<key>", key={}), BAD),
    *key(item("B18"), "empty", ""),
    raw_key(item("B18"), "blank", b"   "),
    raw_key(item("B19"), "two", b"<key>\r\nX-API-Key: <other_key>"),
    raw_key(item("B19"), "the_same_twice", b"<key>\r\nX-API-Key: <key>"),
    raw_key(item("B19"), "with_the_root_key", b"<key>\r\nX-CA-Root-Key: <root>"),
    raw_key(item("B19"), "in_one_line", b"<key>, <other_key>"),
    Row(item("B19"), "two", Native("ListRuns", metadata=(GOOD, ("x-api-key", "<other_key>"))), NO_KEY),
    Row(item("B19"), "the_same_twice", Native("ListRuns", metadata=(GOOD, GOOD)), NO_KEY),
    Row(item("B19"), "with_the_root_key", Native("ListRuns", metadata=(GOOD, ("x-ca-root-key", "<root>"))), NO_KEY),
    *key(item("B20"), "spaces", "with space in it"),
    raw_key(item("B20"), "unicode", "ключ-ключ-ключ".encode()),
    raw_key(item("B20"), "latin", b"caf\xe9caf\xe9caf\xe9"),
    raw_key(item("B20"), "carriage_return", b"<key>\rX-Other: 1"),
    raw_key(item("B20"), "folded", b"<key>\r\n and more"),
    raw_key(item("B20"), "injected", b"<key>x\r\nX-Injected: 1"),
    raw_key(item("B20"), "nul", b"<key>\0", BAD),
    framed(item("B20"), "unicode", ("x-api-key", "ключ-ключ"), expected=Ended.by("UNAUTHENTICATED", "CLOSED")),
    framed(item("B20"), "line_break", ("x-api-key", "a\r\nb: c"), expected=Ended.by("CLOSED"), door=Door.HASTY),
    framed(item("B20"), "nul", ("x-api-key", "a\0bcdefgh"), expected=Ended.by("CLOSED"), door=Door.HASTY),
    *key(item("B21"), "wrong_secret", "<key>x"),
    *key(item("B21"), "wrong_end", "careless_api_0123456789abcdef0123456789abcdef"),
    *key(item("B21"), "wrong_root", "<root>x", header="x-ca-root-key"),
    *key(item("B22"), "short", "short"),
    *key(item("B22"), "long", "k" * 300),
    *key(item("B22"), "sql", "'-or-1=1--"),
    *key(item("B22"), "path", "../../etc/passwd"),
    *key(item("B23"), "revoked", "<lapsed_key>"),
    *key(item("B23"), "expired", "<expired_key>"),
    Row(item("B24"), "root_to_run", Rest(RUN, "{}", key={"X-CA-Root-Key": "<root>"}), WRONG_KIND),
    Row(item("B24"), "root_to_read", Rest(LIST, key={"X-CA-Root-Key": "<root>"}), WRONG_KIND),
    Row(item("B24"), "root_to_run", Native("RunPipeline", FIELDS, metadata=(("x-ca-root-key", "<root>"),)), WRONG_KIND),
    Row(item("B24"), "org_to_procedures", Rest("GET /api/v1/procedures"), WRONG_KIND),
    Row(item("B24"), "org_to_sync", Rest("POST /api/v1/procedures/sync", "{}"), WRONG_KIND),
    Row(item("B24"), "org_to_delete", Rest("DELETE /api/v1/procedures/sp_x"), WRONG_KIND),
    Row(item("B24"), "org_to_sync", Native("SyncProcedures"), WRONG_KIND),
    Row(item("B24"), "org_key_as_root", Rest("GET /api/v1/procedures", key={"X-CA-Root-Key": "<key>"}), NO_KEY),
    Row(item("B24"), "root_as_org_key", Rest(LIST, key={"X-API-Key": "<root>"}), NO_KEY),
    Row(item("B25"), "9_kib", Native("ListRuns", metadata=(("x-api-key", "k" * 9 * 1024),)), HEADERS_TOO_LARGE),
    *key(item("B25"), "16_kib", "k" * 16 * 1024, HEADERS_TOO_LARGE),
    *key(item("B25"), "64_kib", "k" * 64 * 1024, HEADERS_TOO_LARGE),
    framed(item("B25"), "12_kb", ("x-api-key", "k" * 12_000), expected=HEADERS_TOO_LARGE),
    Row(
        item("B25"),
        "many_small_ones",
        Rest(LIST, headers={f"X-Part-{number}": "k" * 200 for number in range(60)}),
        HEADERS_TOO_LARGE,
    ),
    Row(item("B26"), "underscores", Rest(LIST, headers={"x_api_key": "<key>"}, key={}), BAD),
    Row(item("B26"), "beside_the_right_one", Rest(LIST, headers={"x_api_key": "<other_key>"}), BAD),
    framed(item("B26"), "underscores", ("x_api_key", "<key>"), expected=MALFORMED),
    *(
        Row(item("B27"), name, Rest(LIST, headers={name: "!!not base64!!"}), Served())
        for name in ("x-trace-bin", "grpc-trace-bin", "grpc-status-details-bin", "x-api-key-bin")
    ),
    framed(item("B27"), "not_base64", GOOD, ("x-trace-bin", "!!not base64!!"), expected=Served()),
    framed(item("B27"), "at_the_service", GOOD, ("x-trace-bin", "!!"), expected=BY_GRPC, door=Door.SERVICE),
    Row(item("B27"), "well_formed", Native("ListRuns", metadata=(GOOD, ("x-trace-bin", b"\x00\xff"))), Served()),
    *(
        Row(item("B28"), by, Rest(LIST, headers={"grpc-timeout": text}), Served())
        for by, text in {"one_nanosecond": "1n", "eleven_millennia": "99999999H", "word": "soon", "empty": ""}.items()
    ),
    framed(
        item("B28"), "one_nanosecond", GOOD, ("grpc-timeout", "1n"), expected=Ended.by("DEADLINE_EXCEEDED", "CLOSED")
    ),
    framed(item("B28"), "eleven_millennia", GOOD, ("grpc-timeout", "99999999H"), expected=Served()),
    *(
        framed(
            item("B28"), f"{by}_at_the_{door.name.lower()}", GOOD, ("grpc-timeout", text), expected=expected, door=door
        )
        for by, text in {
            "word": "soon",
            "negative": "-1S",
            "empty": "",
            "no_unit": "10",
            "long": "1" * 40 + "S",
        }.items()
        for door, expected in ((Door.EDGE, BAD), (Door.SERVICE, ODD_TIMES))
    ),
    *(
        Row(item("B29"), by, Rest(RUN, '{"note": "typed"}', {"Content-Type": kind}), Served())
        for by, kind in {"text": "text/plain", "form": "application/x-www-form-urlencoded", "none": ""}.items()
    ),
    Row(
        item("B29"),
        "utf_16",
        Rest(RUN, '{"note": "x"}'.encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}),
        BAD,
    ),
    Row(item("B30"), "bomb", Rest(RUN, _bomb, {"Content-Encoding": "gzip"}), BAD),
    Row(item("B30"), "small", Rest(RUN, gzip.compress(b"{}"), {"Content-Encoding": "gzip"}), BAD),
    Row(
        item("B30"),
        "bomb",
        Frames(
            "ListRuns",
            b"\x01" + len(B := gzip.compress(b"\0" * 8 * MIB)).to_bytes(4) + B,
            (GOOD, ("grpc-encoding", "gzip")),
        ),
        Ended.by("RESOURCE_EXHAUSTED", "INTERNAL", "INVALID_ARGUMENT"),
    ),
    *(
        Row(item("B31"), name, Rest(LIST, headers={name: "6.6.6.6"}), Served())
        for name in ("x-forwarded-for", "x-real-ip", "forwarded", "x-envoy-external-address", "true-client-ip")
    ),
    *(
        posted(item("B32"), by, lines, MALFORMED)
        for by, lines in {
            "length_and_chunked": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET",
            "two_lengths": b"Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}",
            "signed_length": b"Content-Length: +2\r\n\r\n{}",
            "negative_length": b"Content-Length: -1\r\n\r\n{}",
            "chunked_not_last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            "unknown_encoding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            "space_before_colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            "bad_chunk_size": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        }.items()
    ),
    posted(item("B33"), "expected", b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", TOO_LATE, Door.HASTY),
    posted(item("B33"), "body", b"Content-Length: 9\r\n\r\n{", TOO_LATE, Door.HASTY),
    Row(item("B33"), "headers", Raw(LIST, b"X-Slow", Door.HASTY), TOO_LATE),
]
