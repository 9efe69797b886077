"""The simulator as a process of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from sandbox.simulator import SimulatorProcess


class AnthropicSimulator(SimulatorProcess):
    """One simulator process; `base_url` ends in `/v1`, `origin` has the doors `/_faults` and `/_requests`."""

    def __init__(
        self,
        key: str,
        *,
        port: int = 0,
        seed: int = 1,
        data: Path | None = None,
        today: date | None = None,
        faults: Sequence[Mapping[str, object]] = (),
    ) -> None:
        arguments = [f"--port={port}", f"--seed={seed}", f"--faults={json.dumps(list(faults))}"]
        arguments += [f"--data={data}"] if data else []
        arguments += [f"--today={today}"] if today else []
        super().__init__("sandbox.anthropic", arguments, {"SANDBOX_ANTHROPIC_KEY": key})
