from __future__ import annotations

import errno

import pytest

from workers.model.shortage import shortage_of


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE])
def test_what_a_replica_ran_out_of_is_named(number: int) -> None:
    assert shortage_of(OSError(number, "secret path")).startswith("the ")


@pytest.mark.parametrize("error", [OSError(), OSError(errno.ECONNRESET, "x"), ValueError(errno.ENOSPC), MemoryError()])
def test_any_other_error_is_none(error: Exception) -> None:
    assert shortage_of(error) == ""
