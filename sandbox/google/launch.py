"""The simulator as a process of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sandbox.simulator import SimulatorProcess


class GoogleSimulator(SimulatorProcess):
    """One simulator process; its origin stands for all of Google's hosts, and has the doors /_faults and /_requests."""

    def __init__(
        self,
        key_file: str,
        *,
        port: int = 0,
        seed: int = 1,
        token_seconds: int = 3600,
        faults: Sequence[Mapping[str, object]] = (),
    ) -> None:
        arguments = [f"--port={port}", f"--seed={seed}", f"--token-seconds={token_seconds}"]
        arguments += [f"--faults={json.dumps(list(faults))}"]
        super().__init__("sandbox.google", arguments, {"SANDBOX_GCP_SA": key_file})

    @property
    def token_url(self) -> str:
        """Where tokens are granted."""
        return f"{self.origin}/token"
