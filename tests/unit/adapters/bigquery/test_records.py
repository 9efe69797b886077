from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from workers.adapters.bigquery.records import Records
from workers.adapters.bigquery.sources import ORDINAL
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


MONEY = Records("t", (Column("org_slug", "STRING"), Column("cost", "NUMERIC", "REQUIRED"), Column("j", "JSON")), "acme")


def columns(**values: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(values)


def test_columns_are_taken_as_they_are_and_the_absent_ones_are_null() -> None:
    cost = pa.array([Decimal("1.5"), Decimal(2)], pa.decimal128(20, 4))
    found = MONEY.fitted(columns(cost=cost), 0)
    assert found.schema == MONEY.schema
    assert found.to_pylist() == [
        {"org_slug": "acme", "cost": Decimal("1.5"), "j": None},
        {"org_slug": "acme", "cost": Decimal(2), "j": None},
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cost": pa.array([Decimal(1), None])}, "row 12 for table t: column cost is null but REQUIRED"),
        ({"cost": pa.array([Decimal("1e-10")])}, "column cost is not an exact NUMERIC"),
        ({"cost": pa.array([Decimal(1)]), "n": pa.array([1])}, "column n is not declared"),
        ({"cost": pa.array([Decimal(1)]), "org_slug": pa.array(["other"])}, "org_slug is another organisation's"),
        ({"j": pa.array(["{}"])}, "column cost is null but REQUIRED"),
    ],
)
def test_columns_that_do_not_fit_are_named(given: dict[str, pa.Array], said: str) -> None:
    with pytest.raises(FailedError, match=said):
        MONEY.fitted(columns(**given), 10)


def test_rows_in_columns_are_numbered_like_others() -> None:
    numbered = Records("t", (Column("n", "INT64"), ORDINAL))
    assert numbered.fitted(columns(n=pa.array([7, 8])), 3).to_pylist() == [
        {"n": 7, "dp_ordinal": 3},
        {"n": 8, "dp_ordinal": 4},
    ]
