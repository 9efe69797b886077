"""What became of every fault of the matrix: what a scenario here cost, or which test shows it, or why none does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from attrs import define, field

from tests.chaos.matrix import FAULTS, NOT_RUN, PROMISES
from tests.chaos.seed import SEED
from tests.chaos.shown import Shown, shown
from tests.chaos.toll import Toll

HEAD = f"{'':5} {'fault':66} {'injected':>8} {'recovered in':>12} {'lost':>5} {'duplicated':>10} {'leaked':>7}"


@define
class Record:
    """What the session saw so far; `passed` and `failed` hold the tests that are marked with a row."""

    tolls: list[Toll] = field(factory=list)
    passed: dict[str, list[str]] = field(factory=dict)
    failed: dict[str, list[str]] = field(factory=dict)

    def note(self, names: Sequence[str], test: str, *, passed: bool) -> None:
        """Keep the outcome of a test that is marked with these rows."""
        for name in names:
            (self.passed if passed else self.failed).setdefault(name, []).append(test)

    @property
    def violated(self) -> bool:
        """Whether anything was lost, doubled or leaked, asserted or not."""
        return not all(toll.harmless for toll in self.tolls)

    def text(self) -> str:
        """Write the report."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        marked, promised = shown("fault"), shown("promise")
        rows = [line for name, fault in FAULTS.items() for line in self._row(name, fault, marked)]
        loose = [_line("", toll) for toll in self.tolls if not set(toll.faults) & set(FAULTS)]
        wrong = [f"  {what}" for toll in self.tolls for what in (toll.wrong and (toll.fault, *toll.wrong))]
        promises = [
            f"{name:5} {text:66.66} {len(promised.get(name, ())):4} tests, of these here {self._here(name)}"
            for name, text in PROMISES.items()
        ]
        verdict = ["", "VIOLATED:", *wrong] if self.violated else ["", "nothing was lost, doubled or leaked"]
        return "\n".join([f"chaos, {at}, SEED={SEED}", HEAD, *rows, *loose, "", *promises, *verdict])

    def _row(self, name: str, fault: str, marked: Shown) -> Iterator[str]:
        """Write the row of a fault."""
        tolls = [toll for toll in self.tolls if name in toll.faults]
        if not tolls:
            yield f"{name:5} {fault:66.66} {self._elsewhere(name, marked)}"
        for toll in tolls:
            yield _line(name, toll)

    def _elsewhere(self, name: str, marked: Shown) -> str:
        """Say where a fault is shown that no scenario of this session was charged for."""
        if name in self.failed:
            return f"FAILED: {self.failed[name][0]}"
        if name in self.passed:
            return f"passed: {self.passed[name][0]}"
        if name in NOT_RUN:
            return f"not run: {NOT_RUN[name]}"
        return _told(marked, name)

    def _here(self, name: str) -> str:
        return f"{len(self.passed.get(name, ()))} passed, {len(self.failed.get(name, ()))} failed"


def _told(marked: Mapping[str, Sequence[str]], name: str) -> str:
    tests = marked.get(name, ())
    if not tests:
        return "NOT SHOWN"
    everyday = [test for test in tests if not test.startswith("tests/chaos")]
    if everyday:
        more = f" (and {len(everyday) - 1} more)" if everyday[1:] else ""
        return f"make test: {everyday[0].removeprefix('tests/')}{more}"
    return f"not selected: {tests[0].removeprefix('tests/')}"


def _line(name: str, toll: Toll) -> str:
    counts = f"{toll.lost:5} {toll.duplicated:10} {toll.leaked:7}"
    return f"{name:5} {toll.fault:66.66} {toll.injected:8} {toll.recovered_in:10.1f} s {counts}"
