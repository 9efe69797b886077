from __future__ import annotations

import pytest

from workers.model.body import BodyFormat
from workers.rest.bodies import BYTES_AT_ONCE, BodyFile
from workers.rest.document import DocumentError
from workers.rest.lines import LONGEST_LINE

CSV = BodyFormat("csv")
JOINED = b'"%s\n",' % (b"x" * 1000) * (LONGEST_LINE // 1000)


def written(*pieces: bytes) -> BodyFile:
    file = BodyFile()
    for piece in pieces:
        file.write(piece)
    return file


@pytest.mark.item("I127")
@pytest.mark.parametrize("body", [b"x" * (LONGEST_LINE + 1), JOINED, b"," * (LONGEST_LINE + 1)])
def test_a_row_without_an_end_is_refused_before_it_is_held(body: bytes) -> None:
    file = written(b"id\n", body)
    with pytest.raises(DocumentError, match="has a row of more than"):
        list(file.parts(CSV, ""))
    file.close()


def test_rows_one_after_another_may_be_longer_together() -> None:
    rows = (b"x" * 100_000 + b"\n") * (LONGEST_LINE // 100_000 + 2)
    file = written(b"id\n", rows)
    assert sum(map(len, file.parts(CSV, ""))) == LONGEST_LINE // 100_000 + 2
    file.close()


@pytest.mark.parametrize(("form", "line"), [(BodyFormat("ndjson"), b'{"a": "%s"}\n'), (CSV, b"%s\n")])
def test_long_rows_are_handed_on_a_few_at_a_time(form: BodyFormat, line: bytes) -> None:
    row = line % (b"x" * 100_000)
    file = written(b"a\n" if form is CSV else b"", row * 200)
    parts = list(file.parts(form, ""))
    assert max(map(len, parts)) <= BYTES_AT_ONCE // 100_000 + 2
    assert sum(map(len, parts)) == 200
    file.close()
