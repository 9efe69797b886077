"""How the suite is shared out: a file stays on one worker, and all that needs the stack stays together.

A second worker would start a second stack and everything beside it. Files go out in the order they are collected in,
so that what takes long comes first and the small files fill the end.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

STACK = "tests/e2e/stack/"
LAST = (f"{STACK}test_canaries.py", "tests/chaos/test_canaries.py")


class Balance(LoadScopeScheduling):
    """As `--dist loadfile` but for the stack."""

    def _split_scope(self, nodeid: str) -> str:
        return STACK if nodeid.startswith(STACK) else nodeid.partition("::")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the stack's tests first: they are the longest piece, and wait more than they work.

    What searches all that the others have left behind comes after them.
    """
    items.sort(key=lambda item: (not item.nodeid.startswith(STACK), item.nodeid.startswith(LAST)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Balance:
    """Tell xdist."""
    return Balance(config, log)
