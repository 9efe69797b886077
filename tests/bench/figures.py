"""What was measured, and the table it is printed as."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence

import psutil
from attrs import define, field, frozen
from rich.console import Console
from rich.table import Table


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies; nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@frozen
class Figure:
    """One line of the table."""

    what: str
    value: str
    conditions: str


@define
class Figures:
    """Collects lines and prints them with the machine they were measured on."""

    lines: list[Figure] = field(factory=list)

    def add(self, what: str, value: str, conditions: str) -> None:
        """Keep a line and show it at once."""
        self.lines.append(Figure(what, value, conditions))
        print(f"{what}: {value} ({conditions})", flush=True)

    def show(self) -> None:
        """Print the table."""
        cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 2**30
        title = f"{cores} cores, {memory:.0f} GiB, Python {platform.python_version()}, fsync on, {time.strftime('%F')}"
        table = Table(title=title)
        for name in ("measured", "value", "conditions"):
            table.add_column(name)
        for line in self.lines:
            table.add_row(line.what, line.value, line.conditions)
        Console(width=160).print(table)


@define
class Cpu:
    """CPU seconds of a process between two looks."""

    process: psutil.Process
    before: float = 0.0

    @classmethod
    def of(cls, pid: int) -> Cpu:
        """Begin to count."""
        process = psutil.Process(pid)
        return cls(process, sum(process.cpu_times()[:2]))

    def used(self) -> float:
        """Return the seconds since the beginning."""
        return float(sum(self.process.cpu_times()[:2]) - self.before)


def peak_rss(pid: int) -> float:
    """Return the largest resident size a process ever had, this one for 0, in MiB."""
    with open(f"/proc/{pid or 'self'}/status", encoding="ascii") as status:  # noqa: PTH123 - a file of the kernel
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def forget_peak() -> None:
    """Let the peak of this process begin anew."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as peak:  # noqa: PTH123 - a file of the kernel
        peak.write("5")
