"""`python -m sandbox.bigquery`: the repaired BigQuery emulator as a process of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sandbox.bigquery.versions import WrongVersionError, check_versions


def main() -> int:
    """Serve until told to stop; 2 when the installed engines are not the pinned ones."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.bigquery", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="keeps the tables over restarts")
    parser.add_argument("--ready-file", type=Path, required=True, help="written as JSON when the emulator answers")
    parser.add_argument("--rest-port", type=int, default=0)
    parser.add_argument("--grpc-port", type=int, default=0)
    parser.add_argument("--without", nargs="*", default=[], metavar="REPAIR", help="leave these repairs out")
    parser.add_argument(
        "--admit-readers-between-statements",
        dest="admit_readers",
        action="store_true",
        help="let other requests read between the statements of a script",
    )
    parser.add_argument(
        "--stop-with-stdin", action="store_true", help="stop when standard input ends, as a child should"
    )
    parser.add_argument("--log-level", default="warning")
    given = parser.parse_args()
    try:
        check_versions()
    except WrongVersionError as error:
        print(error, file=sys.stderr)
        return 2
    from sandbox.bigquery.process import Options, serve  # noqa: PLC0415  imports the engines just checked

    serve(Options(**{**vars(given), "without": tuple(given.without)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
