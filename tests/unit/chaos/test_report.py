"""The chaos report itself: what is wrong is told and decides, and every row is there."""

from __future__ import annotations

import pytest

from tests.chaos.lossy import Lossy
from tests.chaos.matrix import FAULTS
from tests.chaos.report import Record
from tests.chaos.seed import chance
from tests.chaos.toll import Counted


def test_what_was_lost_doubled_or_left_is_a_violation_and_is_told() -> None:
    record = Record()
    record.tolls.append(Counted(leaked=("a file was left",)).toll("a fault", 1, 0.5, ("F3",)))
    assert record.violated
    assert "a file was left" in record.text()


def test_every_row_of_the_matrix_is_printed_with_where_it_is_shown() -> None:
    text = Record().text()
    assert [name for name in FAULTS if f"\n{name:5} " not in text] == []
    assert "NOT SHOWN" not in text


def test_of_five_commits_one_is_lost_and_none_once_healed() -> None:
    lossy = Lossy(chance("a test"))
    for _ in range(9):
        try:
            lossy("accept.after_commit")
        except ConnectionResetError:
            continue
    assert lossy.lost.total() in {1, 2}
    lossy.healed = True
    for _ in range(5):
        lossy("accept.after_commit")


@pytest.mark.parametrize("name", ["claim.after", "finish.before_commit"])
def test_what_is_no_commit_of_a_statement_is_never_lost(name: str) -> None:
    lossy = Lossy(chance("a test"), each=1)
    lossy(name)
    assert not lossy.lost
