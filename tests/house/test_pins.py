"""What is installed is what is pinned, nothing chosen by pip; so the pins must be all that is asked for."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REQUIREMENTS = Path(__file__).parents[2] / "requirements"


def pins_of(name: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", (REQUIREMENTS / name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in found}


def asked_by(package: str, extras: set[str]) -> list[Requirement]:
    asked = [Requirement(line) for line in requires(package) or ()]
    return [one for one in asked if not one.marker or any(one.marker.evaluate({"extra": e}) for e in ("", *extras))]


def test_what_is_installed_wants_nothing_more() -> None:
    check = (sys.executable, "-m", "pip", "--disable-pip-version-check", "check")
    done = subprocess.run(check, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_image_has_the_versions_that_the_tests_had() -> None:
    image = pins_of("image.txt")
    assert image
    assert image.items() <= pins_of("dev.txt").items()


def test_the_image_has_all_that_its_packages_ask_for() -> None:
    extras: dict[str, set[str]] = {package: set() for package in pins_of("image.txt")}
    todo = list(extras)
    while todo:
        package = todo.pop()
        for one in asked_by(package, extras[package]):
            name = canonicalize_name(one.name)
            assert name in extras, f"{package} asks for {one}"
            if one.extras - extras[name]:
                extras[name] |= one.extras
                todo.append(name)
