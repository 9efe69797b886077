"""What can happen to an encoded message: unknown fields, text that is no UTF-8, wrong types, a cut, a flipped bit."""

from __future__ import annotations

from google.protobuf.message import Message
from hypothesis import strategies as st

LARGEST_NUMBER = 2**29 - 1
VARINT, FIXED64, BYTES, GROUP, FIXED32 = 0, 1, 2, 3, 5


def noisy(sound: st.SearchStrategy[Message]) -> st.SearchStrategy[bytes]:
    """Draw encodings of messages, most of them as they are or with harmless additions."""
    encoded = sound.map(lambda message: message.SerializeToString())
    return st.one_of(
        encoded,
        st.tuples(encoded, st.lists(_unknown_fields(), min_size=1, max_size=3)).map(
            lambda one: one[0] + b"".join(one[1])
        ),
        st.tuples(encoded, _wrong_fields()).map(b"".join),
        encoded.flatmap(_damaged),
        st.binary(max_size=40),
    )


def tag(number: int, kind: int) -> bytes:
    """Return the start of a field."""
    return varint(number << 3 | kind)


def varint(value: int) -> bytes:
    """Return a number as protobuf writes it."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def _unknown_fields() -> st.SearchStrategy[bytes]:
    number = st.integers(200, LARGEST_NUMBER)
    return st.one_of(
        st.builds(lambda at, value: tag(at, VARINT) + varint(value), number, st.integers(0, 2**64 - 1)),
        st.builds(lambda at, value: tag(at, BYTES) + varint(len(value)) + value, number, st.binary(max_size=20)),
        number.map(lambda at: tag(at, FIXED64) + b"\xff" * 8),
        number.map(lambda at: tag(at, FIXED32) + b"\x00" * 4),
        st.integers(1, 150).map(lambda depth: tag(300, GROUP) * depth + tag(300, GROUP + 1) * depth),
    )


def _wrong_fields() -> st.SearchStrategy[bytes]:
    """Draw fields of a message with what cannot be in them."""
    number = st.integers(1, 20)
    return st.one_of(
        number.map(lambda at: tag(at, BYTES) + b"\x02\xc3\x28"),  # text that is no UTF-8
        number.map(
            lambda at: tag(at, VARINT) + b"\x01"
        ),  # a number where something else is due, or the other way round
        number.map(lambda at: tag(at, BYTES) + b"\x04\x0a\x02\x08\x07"),  # a message where something else is due
        number.map(lambda at: tag(at, BYTES) + b"\x7f\x00"),  # longer than what follows
        st.sampled_from([b"\x00", b"\xff" * 11, tag(1, 6), tag(1, 7), tag(1, GROUP + 1)]),
    )


def _damaged(whole: bytes) -> st.SearchStrategy[bytes]:
    if not whole:
        return st.just(b"\x0a")
    cut = st.integers(0, len(whole) - 1).map(lambda end: whole[:end])
    flipped = st.integers(0, len(whole) * 8 - 1).map(
        lambda bit: bytes(byte ^ (1 << bit % 8 if at == bit // 8 else 0) for at, byte in enumerate(whole))
    )
    return cut | flipped
