"""Headers of HTTP/2 frames, as the peer packed them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from hpack import Decoder

from tests.fakes.http2_frames import Frame, Type


def answer_of(frames: Iterable[Frame]) -> dict[str, Any]:
    """Return the headers and trailers of a stream's frames together; none when it was reset or never answered."""
    decoder, found = Decoder(), dict[str, Any]()
    for frame in frames:
        if frame.type == Type.HEADERS:
            found |= {str(name): _value(str(name), str(value)) for name, value in decoder.decode(frame.payload)}
    return found if "grpc-status" in found else {}


def _value(name: str, text: str) -> str | bytes:
    if name.endswith("-bin"):
        return base64.b64decode(text + "=" * (-len(text) % 4))
    return unquote(text) if name == "grpc-message" else text
