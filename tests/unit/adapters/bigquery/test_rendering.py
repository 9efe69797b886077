from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from workers.adapters.bigquery.names import dataset_path, quoted
from workers.adapters.bigquery.parameters import named
from workers.adapters.bigquery.rendering import bind, fill, parts

DATASETS = {"dataset": "`p`.`acme_prod`", "central": "`p`.`organizations`"}


def test_a_filled_blank_is_not_read_again() -> None:
    assert fill("{a}{b}", a="{b}", b="x") == "{b}x"


def test_a_blank_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        fill("{nothing}")


def test_only_dataset_placeholders_are_bound_and_the_last_semicolon_goes() -> None:
    sql = "SELECT '{x}', '{dataset' FROM {dataset}.t, {central}.u;\n"
    assert bind(sql, DATASETS) == "SELECT '{x}', '{dataset' FROM `p`.`acme_prod`.t, `p`.`organizations`.u"


def test_clauses_are_read_by_name() -> None:
    assert parts("-- about\n\n-- name: a.b\nx\ny\n\n-- name: c\nz\n") == {"a.b": "x\ny", "c": "z"}


@pytest.mark.parametrize("name", ["a`b", "a.b", "", "1a", "a b", "a;--", "é", "a" * 256])
def test_only_plain_identifiers_reach_sql(name: str) -> None:
    with pytest.raises(ValueError, match="not an identifier"):
        quoted(name)
    with pytest.raises(ValueError, match="not an identifier"):
        dataset_path("project", name)


@pytest.mark.parametrize("project", ["p`x", "", "Project;"])
def test_only_project_ids_reach_sql(project: str) -> None:
    with pytest.raises(ValueError, match="not a project id"):
        dataset_path(project, "d")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "BOOL"),
        (1, "INT64"),
        (Decimal(1), "NUMERIC"),
        (1.5, "FLOAT64"),
        ("'; DROP TABLE t --", "STRING"),
        (date(2025, 1, 1), "DATE"),
        (datetime(2025, 1, 1, tzinfo=UTC), "TIMESTAMP"),
        (b"x", "BYTES"),
        (None, "STRING"),
    ],
)
def test_parameters_are_typed_by_their_values(value: Any, kind: str) -> None:
    api = named({"p": value})[0].to_api_repr()
    assert api["parameterType"] == {"type": kind}


def test_lists_are_arrays_of_one_type() -> None:
    assert named({"p": [1, 2]})[0].to_api_repr()["parameterType"] == {"type": "ARRAY", "arrayType": {"type": "INT64"}}
    with pytest.raises(ValueError, match="several types"):
        named({"p": [1, "a"]})


@pytest.mark.parametrize("values", [{"dp_run_id": "x"}, {"a b": 1}, {"a": object()}])
def test_names_of_the_scripts_odd_names_and_odd_values_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"reserved|not an identifier|cannot be"):
        named(values)
