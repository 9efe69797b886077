"""The image's entrypoint: what it hands to Envoy, and how it ends when the service does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
UNUSABLE = 78


@pytest.mark.engine
def test_origins_reach_envoy_and_the_services_exit_code_comes_back(tmp_path: Path) -> None:
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DATA_DIR": str(tmp_path),
        "HOST": "127.0.0.1",
        "PORT": "0",
        "CORS_ORIGINS": "https://a.example, https://b.example",
    }
    done = subprocess.run(
        ["bash", "envoy/entrypoint.sh"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, "JOURNAL_URL: is required" in done.stderr) == (UNUSABLE, True), done.stderr
    rendered = (tmp_path / "envoy.yaml").read_text()
    assert all(f"exact: {origin}\n" in rendered for origin in ("https://a.example", "https://b.example"))
