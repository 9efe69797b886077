"""Schema and SQL files below configs/: `schemas/*.json` found by the table they declare, SQL and CSV by their path."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from attrs import Attribute, evolve, field, frozen
from attrs.validators import and_, ge, le, max_len, min_len, optional

from workers.catalog.documents import read_document
from workers.catalog.expectations import ExpectationFile, column_faults, shape_faults
from workers.catalog.faults import Fault
from workers.catalog.problems import Findings, Problem
from workers.catalog.structure import read_as
from workers.catalog.tree import Tree
from workers.model.failure import Code, Reason, refused
from workers.model.quality import Expectation
from workers.model.table import IDENTIFIER, Column, TableSchema

MOST_BYTES = 4 * 1024 * 1024
MOST_COLUMNS = 10_000
_RESERVED_COLUMNS = ("_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier")
_CLUSTERABLE = {"STRING", "INT64", "NUMERIC", "BIGNUMERIC", "BOOL", "DATE", "DATETIME", "TIMESTAMP"}


def _is_identifier(_owner: object, attribute: Attribute[str], name: str) -> None:
    if not IDENTIFIER.match(name):
        raise ValueError(f"'{attribute.name}' must be letters, digits and underscores, not {name[:80]!r}")


@frozen
class ColumnFile:
    """A column in a schema file."""

    name: str = field(validator=_is_identifier)
    type: Literal[
        "STRING", "BYTES", "INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "BOOL", "DATE", "DATETIME", "TIME",
        "TIMESTAMP", "JSON",
    ]  # fmt: skip
    mode: Literal["NULLABLE", "REQUIRED", "REPEATED"] = "NULLABLE"
    description: str = ""


@frozen
class PartitionFile:
    """How a table is partitioned: by the day of one column."""

    field: str
    type: Literal["DAY"] = "DAY"
    expiration_days: int | None = field(default=None, validator=optional(and_(ge(1), le(36_500))))  # type: ignore[operator]


@frozen
class SchemaFile:
    """A schema file."""

    table: str = field(validator=_is_identifier)
    columns: tuple[ColumnFile, ...] = field(validator=[min_len(1), max_len(MOST_COLUMNS)])
    description: str = ""
    partition: PartitionFile | None = None
    clustering: tuple[str, ...] = field(default=(), validator=max_len(4))
    expectations: tuple[ExpectationFile, ...] = field(default=(), validator=max_len(100))

    def schema(self) -> TableSchema:
        """Return the table as the rest of the service knows it."""
        partition = self.partition
        return TableSchema(
            self.table,
            tuple(Column(one.name, one.type, one.mode, one.description) for one in self.columns),
            partition.field if partition else None,
            partition.expiration_days if partition else None,
            self.clustering,
            self.description,
        )


class SchemaFiles:
    """Keeps `ports.Schemas` over the files as they were at the start."""

    def __init__(self, tree: Tree, tables: Mapping[str, TableSchema], paths: Mapping[str, str]) -> None:
        self._tree = tree
        self._tables = tables
        self._paths = paths

    def table(self, name: str) -> TableSchema:
        """Return the declared table; raises FailedError(CONFIG_INVALID) when there is none."""
        if name not in self._tables:
            raise refused(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, f"no schema file declares table {name!r}")
        return self._tables[name]

    def declared(self, name: str) -> bool:
        """Whether a schema file declares the table."""
        return name in self._tables

    def file(self, path: str, folder: str = "") -> TableSchema:
        """Return the table that a schema file declares; raises FailedError(CONFIG_INVALID) when it is none."""
        table = self._table_in(path, folder)
        if table is None:
            raise refused(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, f"{path!r} is not a schema file")
        return self._tables[table]

    def declares(self, path: str, folder: str = "") -> bool:
        """Whether a file, named from the root or from `folder`, declares a table."""
        return self._table_in(path, folder) is not None

    def _table_in(self, path: str, folder: str) -> str | None:
        found = self._tree.find(path, folder)
        return next((table for table, file in self._paths.items() if file == found), None)

    def sql(self, path: str) -> str:
        """Return the text of a .sql file; raises FailedError(CONFIG_INVALID) when there is none."""
        text = self.text(path) if path.endswith(".sql") else None
        if text is None:
            raise refused(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, f"there is no SQL file {path!r}")
        return text

    def text(self, path: str) -> str | None:
        """Return the text of any file that was read at the start, None when there is none."""
        content = self._tree.contents.get(path)
        return None if content is None else content.decode("utf-8", "replace")

    def path(self, table: str) -> str | None:
        """Return the file that declares a table."""
        return self._paths.get(table)


def read_schemas(tree: Tree, findings: Findings) -> SchemaFiles:
    """Read every schema file; what is wrong with one hides nothing about another."""
    tables: dict[str, TableSchema] = {}
    paths: dict[str, str] = {}
    for path in tree.ending(".json"):
        if path.split("/")[-2:-1] != ["schemas"]:
            continue
        schema = _read(tree, path, findings)
        if schema is None:
            continue
        if schema.name in paths:
            other = tree.label(paths[schema.name])
            findings.problems.append(Problem(tree.label(path), 1, 1, f"{schema.name} is declared in {other} as well"))
        tables[schema.name], paths[schema.name] = schema, path
    return SchemaFiles(tree, tables, paths)


def _read(tree: Tree, path: str, findings: Findings) -> TableSchema | None:
    content = tree.contents[path]
    try:
        json.loads(content)
    except (ValueError, RecursionError) as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        findings.problems.append(Problem(tree.label(path), line, column, "not valid JSON"))
        return None
    document = read_document(tree.label(path), content, findings, most_bytes=MOST_BYTES)
    declared = read_as(document, SchemaFile, findings) if document else None
    if document is None or declared is None:
        return None
    wrong = [*_faults(declared, system=path.startswith("system/"))]
    findings.problems += [document.problem(fault.message, *fault.path) for fault in wrong]
    if wrong:
        return None
    table = declared.schema()
    expected = tuple(one.expectation() for one in declared.expectations)
    wrong = [*_expectation_faults(tree, table, expected)]
    findings.problems += [document.problem(fault.message, *fault.path) for fault in wrong]
    return None if wrong else evolve(table, expectations=tuple(_with_text(tree, one) for one in expected))


def _with_text(tree: Tree, one: Expectation) -> Expectation:
    return evolve(one, sql=tree.contents[one.sql_file].decode("utf-8", "replace")) if one.sql_file else one


def _expectation_faults(tree: Tree, table: TableSchema, expected: Sequence[Expectation]) -> Iterator[Fault]:
    yield from column_faults(expected, (table,), ("expectations",))
    for index, one in enumerate(expected):
        if one.sql_file and one.sql_file not in tree.contents:
            yield Fault(("expectations", index, "sql"), f"there is no file {one.sql_file!r}")
        if one.table or one.total:
            said = "expectations of a table name neither a table nor an output: those stand in a step's dq"
            yield Fault(("expectations", index), said)


def _faults(declared: SchemaFile, *, system: bool) -> Iterator[Fault]:
    if declared.table.startswith("__") and not system:
        yield Fault(("table",), "a table must not start with __, which is kept for this service")
    known: dict[str, ColumnFile] = {}
    for index, column in enumerate(declared.columns):
        name = column.name.lower()
        if name in known:
            yield Fault(("columns", index, "name"), f"column {column.name} is there twice; case does not count")
        if name.startswith(_RESERVED_COLUMNS):
            yield Fault(("columns", index, "name"), f"{column.name} starts like a name that BigQuery keeps")
        known[name] = column
    yield from shape_faults(declared.expectations, ("expectations",))
    yield from _layout(declared, {column.name: column for column in declared.columns})


def _layout(declared: SchemaFile, columns: Mapping[str, ColumnFile]) -> Iterator[Fault]:
    if declared.partition:
        column = columns.get(declared.partition.field)
        if column is None:
            yield Fault(("partition", "field"), f"there is no column {declared.partition.field!r}")
        elif column.type not in {"DATE", "TIMESTAMP"} or column.mode == "REPEATED":
            yield Fault(("partition", "field"), "a partition column is one DATE or TIMESTAMP")
    for index, name in enumerate(declared.clustering):
        column = columns.get(name)
        if column is None:
            yield Fault(("clustering", index), f"there is no column {name!r}")
        elif column.type not in _CLUSTERABLE or column.mode == "REPEATED":
            yield Fault(("clustering", index), f"a table cannot be clustered by {name}, {column.mode} {column.type}")
