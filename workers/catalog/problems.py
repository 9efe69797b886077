"""What is wrong with files below configs/: every problem with its place, raised together as one ConfigError."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen, mutable


@frozen(order=True)
class Problem:
    """One thing that is wrong; line and column count from 1, and 0 means the file as a whole."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` are all that was found, by file and line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@mutable
class Findings:
    """Collects errors and warnings while files are read, so that one bad file hides no other."""

    problems: list[Problem] = field(factory=list)
    warnings: list[Problem] = field(factory=list)
