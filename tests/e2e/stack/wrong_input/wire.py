"""D: the wire of native gRPC."""

from __future__ import annotations

from datapipeline.v1 import pipelines_pb2
from google.protobuf.struct_pb2 import Value

from tests.e2e.stack.wrong_input.bodies import large, native, with_value
from tests.e2e.stack.wrong_input.row import (
    BAD,
    BAD_PARAMETERS,
    NO_METHOD,
    NOT_YOURS,
    TOO_LARGE,
    Ended,
    Expected,
    Row,
    Served,
    item,
)
from tests.e2e.stack.wrong_input.scene import Door
from tests.e2e.stack.wrong_input.sending import Frames, Native, Rest
from tests.fakes.http2_frames import END_STREAM, Frame, Type

SERVICE = "/datapipeline.v1.PipelineService"
KEY = ("x-api-key", "<key>")
EMPTY = b"\x00\x00\x00\x00\x00"
LIST = pipelines_pb2.ListRunsRequest(page_size=1).SerializeToString()
MESSAGE = b"\x00" + len(LIST).to_bytes(4) + LIST
BY_GRPC = Ended.by("INTERNAL", "UNIMPLEMENTED", "INVALID_ARGUMENT", "UNKNOWN")
GROUP, END_GROUP = b"\xa3\x06", b"\xa4\x06"  # field 100
TAKEN_AS_EMPTY = NOT_YOURS
"""gRPC hands a frame with flags that it does not know on as an empty message, which names no organisation."""
DEADLINE = Ended.by("DEADLINE_EXCEEDED")


def frames(name: str, by: str, data: bytes | None, *fields: tuple[str, str], expected: Expected = BY_GRPC) -> list[Row]:
    """Send frames through the edge and to the service itself."""
    doors = {"edge": Door.EDGE, "service": Door.SERVICE}
    return [
        Row(name, f"{by}_to_the_{where}", Frames("ListRuns", data, (KEY, *fields), door=door), expected)
        for where, door in doors.items()
    ]


ROWS = [
    *(
        Row(item("D49"), f"{by}_at_the_{door.name.lower()}", Native(f"{SERVICE}/{method}", b"", door=door), NO_METHOD)
        for by, method in {"unknown": "Nope", "in_lower_case": "listruns", "path": "ListRuns/x"}.items()
        for door in (Door.EDGE, Door.SERVICE)
    ),
    *(
        Row(item("D50"), f"{by}_at_the_{door.name.lower()}", Native(path, b"", door=door), NO_METHOD)
        for by, path in {
            "another_version": "/datapipeline.v2.PipelineService/ListRuns",
            "unknown": "/nope.Nope/Nope",
            "no_method": "/nope",
        }.items()
        for door in (Door.EDGE, Door.SERVICE)
    ),
    native(item("D51"), "garbage", b"\xff\xff\xff\xff", BAD),
    native(item("D51"), "truncated", b"\x0a\x08care", BAD),
    native(item("D51"), "another_type", b"\x08\x01" * 3 + b"\x0d\x01", BAD),
    Row(item("D51"), "garbage_to_a_stream", Native("WatchRun", b"\xff\xff\xff"), BAD),
    Row(item("D51"), "garbage_without_a_key", Native("ListRuns", b"\xff", metadata=()), Ended.by("UNAUTHENTICATED")),
    Row(item("D51"), "not_framed", Frames("RunPipeline", b"no frame at all", (KEY,)), TAKEN_AS_EMPTY),
    Row(item("D51"), "frame_cut_short", Frames("ListRuns", b"\x00\x00\x00\x00\x09ab", (KEY,)), BY_GRPC),
    Row(
        item("D51"),
        "frame_of_4_gb",
        Frames("ListRuns", b"\x00\xff\xff\xff\xffab", (KEY,)),
        Ended.by("RESOURCE_EXHAUSTED", "INTERNAL"),
    ),
    Row(item("D52"), "through_the_edge", Native("RunPipeline", large), TOO_LARGE),
    Row(item("D52"), "to_the_service", Native("RunPipeline", large, door=Door.SERVICE), Ended.by("RESOURCE_EXHAUSTED")),
    *frames(item("D53"), "flag_without_compression", b"\x01" + MESSAGE[1:]),
    *frames(item("D53"), "plain_bytes_called_gzip", b"\x01\x00\x00\x00\x02no", ("grpc-encoding", "gzip")),
    *frames(item("D53"), "unknown_compression", b"\x01\x00\x00\x00\x02no", ("grpc-encoding", "lzma")),
    *frames(
        item("D53"),
        "unknown_compression_unused",
        MESSAGE,
        ("grpc-encoding", "lzma"),
    ),
    Row(item("D53"), "flag_that_is_none", Frames("RunPipeline", b"\x07" + MESSAGE[1:], (KEY,)), TAKEN_AS_EMPTY),
    native(item("D54"), "groups", GROUP * 5000 + END_GROUP * 5000, BAD),
    native(item("D54"), "groups_without_end", GROUP * 5000, BAD),
    Row(item("D54"), "groups_to_read", Native("ListRuns", GROUP * 5000 + END_GROUP * 5000), BAD),
    Row(item("D54"), "one_unknown_field", Native("ListRuns", LIST + b"\xa2\x06\x02hi"), Served()),
    native(item("D55"), "null_of_another_number", with_value("note", Value(null_value=7)), BAD_PARAMETERS.of("note")),  # type: ignore[arg-type]
    native(item("D55"), "null_below_zero", with_value("note", Value(null_value=-1)), BAD_PARAMETERS.of("note")),  # type: ignore[arg-type]
    native(item("D55"), "value_of_no_kind", with_value("note", Value()), BAD_PARAMETERS.of("note")),
    Row(item("D55"), "status", Native("ListRuns", {"status": "7"}), BAD.of("status")),
    Row(item("D55"), "status", Rest("GET /api/v1/pipelines/runs?status=RUN_STATUS_FAILED"), BAD.of("status")),
    *frames(item("D56"), "two_messages", MESSAGE * 2, expected=BAD),
    *frames(item("D56"), "no_message", b"", expected=BAD),
    Row(
        item("D56"),
        "behind_the_end",
        Frames("ListRuns", MESSAGE, (KEY,), door=Door.HASTY, after=(Frame(Type.DATA, END_STREAM, 1, MESSAGE),)),
        Ended.by("OK", "CLOSED"),
    ),
    Row(item("D58"), "through_the_edge", Frames("ListRuns", None, (KEY,), door=Door.HASTY), DEADLINE),
    Row(item("D58"), "half_a_message", Frames("ListRuns", MESSAGE[:3], (KEY,), ends=False, door=Door.HASTY), DEADLINE),
]
