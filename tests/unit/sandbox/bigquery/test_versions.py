"""The repairs run only on the releases they were proved on."""

from __future__ import annotations

import pytest

from sandbox.bigquery.versions import WrongVersionError, check_versions


def test_the_installed_releases_are_the_pinned_ones() -> None:
    check_versions()


def test_every_wrong_release_is_named_with_what_was_found() -> None:
    with pytest.raises(WrongVersionError, match=r"duckdb must be 0\.1, found 1\..*; absent must be 1, found nothing"):
        check_versions({"duckdb": "0.1", "sqlglot": "30.11.0", "absent": "1"})
