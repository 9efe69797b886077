from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.hostile_provider import raw_deflate
from workers.rest.inflate import Coding, InflateError, coding_of

PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "X-GZip": gzip.compress,
    "deflate": zlib.compress,
    " Deflate ": raw_deflate,
}


def decode(coding: Coding, body: bytes, step: int) -> bytes:
    decoded = b"".join(
        piece for start in range(0, len(body), step) for piece in coding.feed(body[start : start + step])
    )
    coding.finish()
    return decoded


@given(body=st.binary(min_size=1).map(lambda tail: b'{"data": []}' + tail), step=st.integers(1, 50))
@pytest.mark.parametrize("encoding", PACKED)
def test_a_body_is_decoded_whatever_its_chunks(encoding: str, body: bytes, step: int) -> None:
    assert decode(coding_of(encoding), PACKED[encoding](body), step) == body


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "gzip, identity", "utf-8"])
def test_an_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(InflateError, match="not asked for"):
        coding_of(encoding)


def test_a_cut_body_is_refused() -> None:
    with pytest.raises(InflateError, match="ends before"):
        decode(coding_of("gzip"), gzip.compress(b"{}", mtime=0)[:-1], 100)
    with pytest.raises(InflateError, match="ends before"):
        coding_of("deflate").finish()


@pytest.mark.parametrize("tail", [b"x", gzip.compress(b"more", mtime=0)])
def test_bytes_after_the_end_are_refused(tail: bytes) -> None:
    with pytest.raises(InflateError, match="goes on after"):
        decode(coding_of("gzip"), gzip.compress(b"{}", mtime=0) + tail, 100)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_is_not_encoded_as_it_says_is_refused(encoding: str) -> None:
    with pytest.raises(InflateError):
        decode(coding_of(encoding), b"{plain}" * 10, 100)


def test_a_large_body_comes_in_bounded_pieces() -> None:
    pieces = list(coding_of("gzip").feed(gzip.compress(b"\0" * 5_000_000, mtime=0)))
    assert sum(map(len, pieces)) == 5_000_000
    assert max(map(len, pieces)) <= 1 << 20
