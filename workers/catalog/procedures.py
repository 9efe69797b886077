"""Stored procedures below configs/system/procedures/{domain}/, read and checked at the start, and found by name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from workers.catalog.problems import Findings, Problem
from workers.catalog.procedure_text import check
from workers.catalog.token_cursor import TextError
from workers.catalog.tree import Tree
from workers.model.routine import Procedure
from workers.model.table import IDENTIFIER

FOLDER = "system/procedures/"
_PLACE = ("system", "procedures", "{domain}", "{name}.sql")
_TAKEN = frozenset({"files", "sync"})  # what the API has under these names


class Procedures:
    """Procedures by name."""

    def __init__(self, found: Mapping[str, Procedure]) -> None:
        self._found = dict(sorted(found.items(), key=lambda item: (item[1].domain, item[0])))

    def all(self) -> tuple[Procedure, ...]:
        """Return all of them by domain and name."""
        return tuple(self._found.values())

    def find(self, name: str) -> Procedure | None:
        """Return one."""
        return self._found.get(name)

    def in_order(self, wanted: Iterable[str]) -> tuple[Procedure, ...]:
        """Return these and all they call, each after what it calls."""
        needed: dict[str, frozenset[str]] = {}
        waiting = [*wanted]
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed[name] = self._found[name].calls
                waiting += needed[name]
        return tuple(self._found[name] for name in TopologicalSorter(_sorted(needed)).static_order())


def read_procedures(tree: Tree, findings: Findings) -> Procedures:
    """Read every file; what is wrong with one hides nothing about another."""
    found: dict[str, Procedure] = {}
    names: dict[str, str] = {}
    for path in tree.ending(".sql"):
        if not path.startswith(FOLDER):
            continue
        procedure = _read(tree, path, findings)
        if procedure is None:
            continue
        other = names.setdefault(procedure.name.lower(), path)
        if other != path:
            findings.problems.append(Problem(tree.label(path), 0, 0, f"has the name of {tree.label(other)}"))
        found[procedure.name] = procedure
    findings.problems += _called(tree, found)
    return Procedures(found)


def _read(tree: Tree, path: str, findings: Findings) -> Procedure | None:
    text = tree.contents[path].decode("utf-8", "replace")
    try:
        domain, name = _place(path)
        checked = check(name, text)
    except TextError as error:
        findings.problems.append(Problem(tree.label(path), error.line, error.column, error.what))
        return None
    sha256 = hashlib.sha256(tree.contents[path]).hexdigest()
    return Procedure(name, domain, path, text, sha256, checked.arguments, frozenset(checked.calls))


def _place(path: str) -> tuple[str, str]:
    """Return domain and name; raise TextError when the file stands elsewhere or its name cannot be one."""
    folders = path.split("/")
    name = folders[-1].removesuffix(".sql")
    if len(folders) != len(_PLACE):
        raise TextError(f"a procedure is configs/{'/'.join(_PLACE)}", 0, 0)
    if not IDENTIFIER.match(name) or name.lower() in _TAKEN:
        raise TextError(f"{name[:80]!r} cannot be the name of a procedure", 0, 0)
    return folders[2], name


def _called(tree: Tree, found: Mapping[str, Procedure]) -> Sequence[Problem]:
    problems = [
        Problem(tree.label(one.path), 0, 0, f"calls {name}, which has no file")
        for one in found.values()
        for name in sorted(one.calls - found.keys())
    ]
    try:
        TopologicalSorter({name: one.calls for name, one in found.items()}).prepare()
    except CycleError as error:
        circle = " → ".join(error.args[1])
        problems.append(
            Problem(tree.label(FOLDER.rstrip("/")), 0, 0, f"procedures call one another in a circle: {circle}")
        )
    return problems


def _sorted(needed: Mapping[str, frozenset[str]]) -> Mapping[str, list[str]]:
    return {name: sorted(needed[name]) for name in sorted(needed)}
