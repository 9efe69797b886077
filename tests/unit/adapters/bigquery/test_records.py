from __future__ import annotations

import pytest

from workers.adapters.bigquery.records import Records
from workers.model.failure import FailedError
from workers.model.table import Column
from workers.ports import Row

RECORDS = Records("t", (Column("org_slug", "STRING"), Column("n", "INT64")), "acme")


def test_rows_without_an_organisation_get_their_own() -> None:
    assert RECORDS.batch([{"n": 1}, {"org_slug": "acme"}], 0).to_pylist() == [
        {"org_slug": "acme", "n": 1},
        {"org_slug": "acme", "n": None},
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"org_slug": "other"}, "row 12 for table t: column org_slug is another organisation's"),
        ({"org_slug": None}, "row 12 for table t: column org_slug is another organisation's"),
        ({"m": 1}, "row 12 for table t: column m is not declared"),
        ({"run_id": "x"}, "row 12 for table t: column run_id is not declared or is filled in"),
        ({"` OR 1=1": 1}, "row 12 for table t: column with a name that is none is not declared"),
        ({"n": "x"}, "row 12 for table t: column n is not an exact INT64"),
    ],
)
def test_a_wrong_row_is_named_by_its_place_in_the_load(row: Row, said: str) -> None:
    with pytest.raises(FailedError, match=said):
        RECORDS.batch([{"n": 1}, row], 10)


def test_a_central_table_has_no_organisation_of_its_own() -> None:
    central = Records("t", RECORDS.columns)
    assert central.batch([{"org_slug": "other"}], 0).to_pylist() == [{"org_slug": "other", "n": None}]
