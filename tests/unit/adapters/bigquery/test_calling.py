from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.warehouse_desk import scripts
from workers.adapters.bigquery.calling import calling
from workers.adapters.bigquery.rendering import parts
from workers.model.failure import FailedError
from workers.model.routine import Argument, Routine

CLAUSES = parts(scripts()["parts"])
ROUTINE = Routine("sp_a", arguments=(Argument("p_dataset", "STRING"), Argument("p_n", "INT64")))


def call(arguments: dict[str, Any], routine: Routine = ROUTINE) -> Any:
    return calling(CLAUSES, "`p`.`organizations`", "acme_prod", routine, arguments, "told")


def test_the_dataset_is_the_organisations_own_and_values_are_parameters() -> None:
    made = call({"p_n": 7})
    assert made.sql == "CALL `p`.`organizations`.`sp_a`(@p_dataset, @p_n);"
    assert [(one.name, one.type_, one.value) for one in made.parameters] == [
        ("p_dataset", "STRING", "acme_prod"),
        ("p_n", "INT64", 7),
    ]
    assert "`told`" in made.told


def test_a_null_has_the_type_the_procedure_takes() -> None:
    assert call({"p_n": None}).parameters[1].type_ == "INT64"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({}, "p_n is missing"),
        ({"p_n": 1, "p_more": 2}, "p_more is not taken"),
        ({"p_n": "1"}, "p_n is STRING and not INT64"),
        ({"p_n": 1, "p_dataset": "globex_prod"}, "p_dataset is not to be given"),
    ],
)
def test_other_arguments_are_refused(arguments: dict[str, Any], what: str) -> None:
    with pytest.raises(FailedError, match=what):
        call(arguments)
