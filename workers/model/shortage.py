"""What a replica may run out of for a while: a step that met it waits without a slot, and nobody is blamed for it."""

from __future__ import annotations

import errno

_OUT_OF = {
    errno.ENOSPC: "the replica's disk is full",
    errno.EDQUOT: "the replica's disk quota is used up",
    errno.EMFILE: "the replica has no file descriptor left",
    errno.ENFILE: "the host has no file descriptor left",
}
WAIT_SECONDS = 15.0


def shortage_of(error: BaseException) -> str:
    """Say what ran out, when that is what an error means; empty for any other."""
    return _OUT_OF.get(error.errno or 0, "") if isinstance(error, OSError) else ""
