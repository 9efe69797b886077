"""What audits found, added up and put in words."""

from __future__ import annotations

import pytest

from workers.model.failure import Reason
from workers.model.quality import Audited, Check, Expectation, Severity, refused_by

CRITICAL = Expectation("whole", Check.NOT_NULL)
MILD = Expectation("fresh", Check.FRESHNESS, Severity.WARNING)


@pytest.mark.parametrize(
    ("counts", "status"), [((0, 0), "PASSED"), ((0, 1), "WARNING"), ((1, 0), "FAILED"), ((1, 1), "FAILED")]
)
def test_the_status_is_that_of_the_gravest_failure(counts: tuple[int, int], status: str) -> None:
    assert Audited.of("t", (CRITICAL, MILD), counts).status == status


def test_publications_into_one_table_count_together() -> None:
    first, second = (Audited.of("t", (CRITICAL, MILD), counts) for counts in ((0, 2), (0, 3)))
    assert first.joined(second).said() == "fresh (5)"


def test_a_refusal_tells_counts_and_is_final() -> None:
    failure = refused_by(Audited.of("t", (CRITICAL, MILD), (1200, 1)), "acme_prod").failure
    assert failure.message == "publish acme_prod.t: not as expected: whole (1,200), fresh (1); the table is unchanged"
    assert (failure.reason, failure.retryable) == (Reason.DATA_QUALITY_FAILED, False)
