"""The files below configs/, read once: what is on disk later changes nothing until a restart."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from attrs import field, frozen

from workers.catalog.problems import Findings, Problem

KEPT = frozenset({".yml", ".yaml", ".json", ".sql", ".csv"})
MOST_BYTES = 16 * 1024 * 1024


@frozen
class Tree:
    """Contents of files by their path below the root; `label` is how a file is named to people."""

    name: str
    contents: Mapping[str, bytes] = field(repr=False)

    def label(self, path: str) -> str:
        """Return the path with the root's own name."""
        return f"{self.name}/{path}"

    def find(self, path: str, folder: str = "") -> str | None:
        """Return the path of a file named from the root, or from `folder`; None when there is none."""
        near = str(PurePosixPath(folder, path)) if folder else path
        return next((one for one in (path, near) if one in self.contents), None)

    def ending(self, *suffixes: str) -> Iterator[str]:
        """Yield the paths with one of the endings, in order."""
        return (path for path in sorted(self.contents) if PurePosixPath(path).suffix in suffixes)


def read_tree(root: Path, findings: Findings) -> Tree:
    """Read every file that may matter. Dotfiles are not looked at; a link out of the root is an error."""
    top = root.resolve()
    if not top.is_dir():
        findings.problems.append(Problem(str(root), 0, 0, "there is no such folder"))
    contents: dict[str, bytes] = {}
    for folder, names in _walk(top, findings):
        for name in names:
            path = folder / name
            relative = path.relative_to(top).as_posix()
            try:
                if _wanted(path, top, relative, findings):
                    contents[relative] = path.read_bytes()
            except OSError as error:
                findings.problems.append(_problem(top, relative, f"cannot be read: {error.strerror}"))
    broken = [name for name, content in contents.items() if name.endswith(".sql") and not _is_utf8(content)]
    findings.problems += [_problem(top, name, "is not valid UTF-8") for name in broken]
    return Tree(top.name, contents)


def _walk(top: Path, findings: Findings) -> Iterator[tuple[Path, list[str]]]:
    for folder, folders, names in os.walk(top):
        kept = [name for name in sorted(folders) if not name.startswith(".")]
        for name in kept:
            link = Path(folder, name)
            if link.is_symlink():
                findings.problems.append(
                    _problem(top, link.relative_to(top).as_posix(), "a linked folder is not followed")
                )
        folders[:] = kept
        yield Path(folder), [name for name in sorted(names) if not name.startswith(".")]


def _wanted(path: Path, top: Path, relative: str, findings: Findings) -> bool:
    if path.suffix not in KEPT:
        return False
    if not path.resolve().is_relative_to(top):
        findings.problems.append(_problem(top, relative, "is a link that leaves the folder"))
        return False
    if not path.is_file():
        findings.problems.append(_problem(top, relative, "is not a regular file"))
        return False
    if path.stat().st_size > MOST_BYTES:
        findings.problems.append(_problem(top, relative, f"is larger than {MOST_BYTES // 1024**2} MiB"))
        return False
    return True


def _is_utf8(content: bytes) -> bool:
    return content.decode("utf-8", "replace").encode() == content


def _problem(top: Path, relative: str, message: str) -> Problem:
    return Problem(f"{top.name}/{relative}", 0, 0, message)
