"""What the suite's own processes print and log is searched for secrets, as what the services write is.

Every secret of the tests has one word in it; a test beside which it was said in any form fails for that.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.fakes.canaries import WORD, Search

_SEARCH = Search({"a secret": WORD.encode()})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test whose captured output tells a secret."""
    report = yield
    now = [(where, text.encode()) for where, text in report.sections if where.endswith(f" {report.when}")]
    said = [line for where, text in now for line in _SEARCH.found(where, text)]
    if report.passed and said:
        report.outcome = "failed"
        report.longrepr = "\n".join((f"{item.nodeid} told a secret", *said))
    return report
