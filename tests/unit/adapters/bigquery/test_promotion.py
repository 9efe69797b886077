from __future__ import annotations

from datetime import date
from typing import Any

import attrs
import pytest

from tests.plugins.warehouse_desk import FACTS, NOON, RUN, WINDOW, scripts
from workers.adapters.bigquery.aim import Aim
from workers.adapters.bigquery.promotion import Writer
from workers.adapters.bigquery.sources import Source
from workers.ports import Authority

AUTHORITY = Authority("acme", "acme_prod", RUN, 7, 3, "extract")
WRITER = Writer(AUTHORITY, "`p`.`acme_prod`", "__load_ledger", scripts())
AIM = Aim(FACTS, WINDOW, {"endpoint": "images"})
LOADED = Source("ab" * 32, ("__stg_1", "__stg_2"))


def script(aim: Aim = AIM, source: Source = LOADED, writer: Writer = WRITER, *, complete: bool = True) -> Any:
    return writer.promote(aim, source, NOON, complete=complete)


def test_values_are_parameters_and_never_text() -> None:
    made = script()
    values = {parameter.name: parameter.value for parameter in made.parameters}
    assert values["dp_scope_0_value_0"] == "images"
    assert values["dp_scope_0"] == '{"endpoint": "images"}'
    assert (values["dp_first_0"], values["dp_last_0"]) == (WINDOW.first, WINDOW.last)
    assert "images" not in made.sql


def test_a_publication_keeps_its_name_over_time() -> None:
    assert script().key == WRITER.promote(AIM, LOADED, NOON.replace(year=2030), complete=True).key


@pytest.mark.parametrize(
    "other",
    [
        script(attrs.evolve(AIM, scope={"endpoint": "audio"})),
        script(attrs.evolve(AIM, allow_shrink=True)),
        script(source=attrs.evolve(LOADED, content="cd" * 32)),
        script(source=Source("ab" * 32, select="SELECT 1", parameters={"a": 1})),
        script(source=Source("ab" * 32, select="SELECT 1", parameters={"a": 2})),
        script(writer=attrs.evolve(WRITER, authority=attrs.evolve(AUTHORITY, fence=4))),
        script(writer=attrs.evolve(WRITER, authority=attrs.evolve(AUTHORITY, step_id="other"))),
        script(complete=False),
    ],
)
def test_another_publication_has_another_name(other: Any) -> None:
    assert script().key != other.key


def test_json_is_parsed_from_stages_only() -> None:
    assert "PARSE_JSON(`raw`" in script().sql
    assert "PARSE_JSON" not in script(source=Source("ab" * 32, select="SELECT 1")).sql
    assert "PARSE_JSON" not in script(source=Source("ab" * 32)).sql


def test_a_table_in_one_piece_stands_under_one_day_of_the_ledger() -> None:
    assert Aim(FACTS, None).days == (date(1, 1, 1), date(1, 1, 1))
