"""Files of stored procedures: what is taken, and what is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.catalog.problems import Findings
from workers.catalog.procedure_text import check
from workers.catalog.procedures import Procedures, read_procedures
from workers.catalog.token_cursor import TextError
from workers.catalog.tree import Tree, read_tree
from workers.model.routine import Argument

NAME = "`{project_id}`.`{central_dataset}`"
GUARD = (
    "IF p_d IS NULL OR NOT REGEXP_CONTAINS(p_d, r'^[A-Za-z_][A-Za-z0-9_]*$') THEN RAISE USING MESSAGE = 'x'; END IF;"
)
READ = (
    "EXECUTE IMMEDIATE FORMAT('CREATE TEMP TABLE t AS SELECT a FROM `{project_id}.%s.x` WHERE b = ?', p_d) USING p_n;"
)


def procedure(body: str = "SELECT 1;", *, name: str = "sp_a", arguments: str = "p_d STRING, p_n INT64") -> str:
    return f"-- Says what it makes.\nCREATE OR REPLACE PROCEDURE {NAME}.`{name}`({arguments})\nBEGIN\n{body}\nEND;\n"


def test_a_sound_text_says_what_it_takes_and_calls() -> None:
    found = check("sp_a", procedure(f"CALL {NAME}.sp_b(p_d); {GUARD} {READ}"))
    assert found.arguments == (Argument("p_d", "STRING"), Argument("p_n", "INT64"))
    assert found.calls == {"sp_b"}


@pytest.mark.parametrize(
    "body",
    [
        "DECLARE v_a, v_b INT64 DEFAULT 0; SET v_a = CASE WHEN p_n > 1 THEN 2 ELSE 3 END; SET (v_a, v_b) = (1, 2);",
        "IF p_n > 1 THEN SELECT 1; ELSEIF p_n = 1 THEN SELECT 2; ELSE SELECT IF(TRUE, 1, 0); END IF;",
        "WHILE p_n > 1 DO BREAK; END WHILE; LOOP LEAVE; END LOOP; FOR v_x IN (SELECT 1) DO SELECT v_x; END FOR;",
        "REPEAT SELECT 1; UNTIL TRUE END REPEAT; BEGIN SELECT 1; EXCEPTION WHEN ERROR THEN RETURN; END;",
        "CREATE OR REPLACE TEMP TABLE t AS WITH a AS (SELECT 1 AS b) SELECT b, 'DELETE FROM x; COMMIT' AS c FROM a;",
        "SELECT REPEAT('x', 3) AS a; SET v_a = REPEAT('x', 3);",
        "EXECUTE IMMEDIATE 'SELECT 1' INTO v_n; CREATE TEMP FUNCTION f(x INT64) AS (x);",
    ],
)
def test_statements_that_leave_nothing_behind_are_taken(body: str) -> None:
    check("sp_a", procedure(body))


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("DELETE FROM x WHERE TRUE;", "nothing that stays; not 'DELETE'"),
        ("SELECT 1; INSERT INTO x (a) VALUES (1);", "not 'INSERT'"),
        ("IF TRUE THEN MERGE INTO x; END IF;", "not 'MERGE'"),
        ("IF TRUE THEN SELECT 1; ELSE TRUNCATE TABLE x; END IF;", "not 'TRUNCATE'"),
        ("LOOP UPDATE x SET a = 1 WHERE TRUE; END LOOP;", "not 'UPDATE'"),
        ("EXPORT DATA OPTIONS (uri = 'gs://x') AS SELECT 1;", "not 'EXPORT'"),
        ("CREATE TABLE x AS SELECT 1;", "temporary tables only"),
        ("CREATE OR REPLACE TABLE x AS SELECT 1;", "temporary tables only"),
        ("BEGIN TRANSACTION; COMMIT TRANSACTION;", "opens no transaction"),
        ("CALL BQ.REFRESH_MATERIALIZED_VIEW('x');", "a procedure is named"),
        ("DECLARE v_a, p_d STRING;", "p_d must begin with v_"),
        ("SET p_d = 'x';", "an argument is never changed"),
        ("SET (v_a, p_d) = (1, 'x');", "an argument is never changed"),
        ("FOR p_d IN (SELECT 1) DO SELECT 1; END FOR;", "an argument is never changed"),
        ("EXECUTE IMMEDIATE 'SELECT 1' INTO p_d;", "an argument is never changed"),
        (READ, "p_d goes into SQL and was not checked"),
        (f"IF TRUE THEN {GUARD} END IF; {READ}", "was not checked"),
        (f"BEGIN {GUARD} EXCEPTION WHEN ERROR THEN SELECT 1; END; {READ}", "was not checked"),
        (f"{GUARD} EXCEPTION WHEN ERROR THEN {READ}", "was not checked"),
        (f"{GUARD.replace('*$', '*')} {READ}", "was not checked"),
        (f"{GUARD.replace('OR NOT', 'AND NOT')} {READ}", "was not checked"),
        (f"{GUARD} {READ.replace('p_d)', 'LOWER(p_d))')}", "was not checked"),
        (f"{GUARD} {READ.replace('`{project_id}.%s.x`', '%s')}", "stands in backticks"),
        (f"{GUARD} {READ.replace('`{project_id}.%s.x`', '`a` -- `%s`')}", "stands in backticks"),
        (f"{GUARD} {READ.replace('b = ?', 'b = %T')}", "only %s is put"),
        (f"{GUARD} {READ.replace('CREATE TEMP TABLE t AS SELECT a', 'DELETE')}", "one SELECT, or one CREATE TEMP"),
        (f"{GUARD} {READ.replace('TEMP ', '')}", "temporary tables only"),
        (f"{GUARD} {READ.replace('b = ?', 'b = ?; DROP TABLE x')}", "one SELECT, or one CREATE TEMP"),
        ("EXECUTE IMMEDIATE CONCAT('SELECT ', p_d);", "put together otherwise"),
        ("EXECUTE IMMEDIATE 'SELECT ' || p_d;", "what is executed is one string"),
        ("EXECUTE IMMEDIATE p_d;", "put together otherwise"),
        ("SELECT '{org_slug}';", "{org_slug} is not substituted"),
        ("SELECT 'a;", "does not end"),
        ("IF TRUE THEN SELECT 1;", "does not end here"),
        ("SELECT 1; END; SELECT 2;", "nothing may follow"),
    ],
)
def test_everything_else_is_refused_in_words(body: str, what: str) -> None:
    with pytest.raises(TextError) as raised:
        check("sp_a", procedure(body))
    assert what in raised.value.what
    assert raised.value.line >= 2


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (procedure(name="sp_b"), "must be called sp_a"),
        (procedure().replace("OR REPLACE ", ""), "OR is expected"),
        (procedure().replace("{central_dataset}", "acme_prod"), "a procedure is named"),
        (procedure(arguments="d STRING"), "must begin with p_"),
        (procedure(arguments="OUT p_d STRING"), "must begin with p_"),
        (procedure(arguments="p_d ARRAY<STRING>"), "an argument is one of"),
        (procedure().replace("BEGIN", "OPTIONS (description = 'x') BEGIN"), "STRICT_MODE is expected"),
        ("SELECT 1", "CREATE is expected"),
        ("", "does not end here"),
    ],
)
def test_a_file_is_one_procedure_of_its_own_name(text: str, what: str) -> None:
    with pytest.raises(TextError, match=what):
        check("sp_a", text)


def read(folder: Path, **files: str) -> tuple[Procedures, list[str]]:
    findings = Findings()
    for place, text in files.items():
        path = folder / "system" / "procedures" / f"{place.replace('__', '/')}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    tree: Tree = read_tree(folder, findings)
    return read_procedures(tree, findings), [problem.message for problem in findings.problems]


def test_procedures_come_after_what_they_call(tmp_path: Path) -> None:
    texts = {
        "x__sp_a": procedure(f"CALL {NAME}.sp_c(1);"),
        "y__sp_b": procedure(name="sp_b"),
        "y__sp_c": procedure(f"CALL {NAME}.sp_b(1);", name="sp_c"),
    }
    procedures, problems = read(tmp_path, **texts)
    assert problems == []
    assert [one.name for one in procedures.in_order(["sp_a"])] == ["sp_b", "sp_c", "sp_a"]
    assert [(one.domain, one.name) for one in procedures.all()] == [("x", "sp_a"), ("y", "sp_b"), ("y", "sp_c")]


def test_all_that_is_wrong_with_files_is_told_at_once(tmp_path: Path) -> None:
    texts = {
        "x__sp_a": procedure(),
        "y__sp_a": procedure(),
        "y__sync": procedure(name="sync"),
        "y__z__sp_d": procedure(name="sp_d"),
        "y__sp_e": procedure(f"CALL {NAME}.sp_f(1);", name="sp_e"),
        "y__sp_g": procedure(f"CALL {NAME}.sp_h(1);", name="sp_g"),
        "y__sp_h": procedure(f"CALL {NAME}.sp_g(1);", name="sp_h"),
    }
    problems = read(tmp_path, **texts)[1]
    assert len(problems) == 5
    for what in ("has the name of", "cannot be the name", "a procedure is configs/", "has no file", "in a circle"):
        assert any(what in problem for problem in problems), what
