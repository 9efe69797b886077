"""The exact releases the repairs are written against, compared with what is installed.

Given the installed distributions; hands on nothing, or stops the start with one clear message.
"""

from __future__ import annotations

from importlib import metadata

PINNED = {"bqemulator": "1.4.0", "duckdb": "1.5.5", "sqlglot": "30.11.0"}


class WrongVersionError(RuntimeError):
    """An engine of the emulator is not the release its repairs were proved on."""


def check_versions(pinned: dict[str, str] = PINNED) -> None:
    """Raise WrongVersionError naming every pinned distribution that is absent or of another release."""
    wrong = [
        f"{name} must be {wanted}, found {found}"
        for name, wanted in pinned.items()
        if (found := _installed(name)) != wanted
    ]
    if wrong:
        raise WrongVersionError(f"{'; '.join(wrong)}: install the 'sandbox' extra, or prove the repairs anew")


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "nothing"
