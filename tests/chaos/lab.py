"""A tree of the service's own code with a laboratory as one more provider: pipelines of what no step may do."""

from __future__ import annotations

import shutil
from pathlib import Path

import server

ROOT = Path(server.__file__).parents[1]
LAB = Path(__file__).parents[1] / "fixtures" / "chaos" / "lab"
ACT, BRIEF = "lab/faults/act", "lab/faults/brief"
HEAD = """\
timeout_minutes: {minutes}
parameters:
  do: {{type: string}}
  gate: {{type: string, default: none}}
  seconds: {{type: int, default: 0}}
  note: {{type: string, default: none}}
steps:
"""
STEP = """\
  - step_id: {name}
    ps_type: lab.act
    timeout_minutes: {minutes}
    retry: {{max_attempts: 1}}
    config: {{do: "{{do}}", gate: "{{gate}}", seconds: "{{seconds}}"}}
"""
PIPELINES = {
    ACT: HEAD.format(minutes=5) + STEP.format(name="act", minutes=5),
    BRIEF: HEAD.format(minutes=5) + STEP.format(name="act", minutes=0.02),
}


def lay_out(folder: Path) -> dict[str, str]:
    """Make the tree; return what a service has to be told to run from it."""
    processors = folder / "workers" / "processors"
    processors.mkdir(parents=True)
    (folder / "server").symlink_to(ROOT / "server")
    for part in (ROOT / "workers").iterdir():
        if part.name != "processors":
            (folder / "workers" / part.name).symlink_to(part)
    for part in (ROOT / "workers" / "processors").iterdir():
        (processors / part.name).symlink_to(part)
    (processors / "lab").symlink_to(LAB)
    shutil.copytree(ROOT / "configs", folder / "configs")
    for path, text in PIPELINES.items():
        target = folder / "configs" / f"{path}.yml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}
