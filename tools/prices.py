"""Writes the list-price table from the pinned genai-prices snapshot, offline, and tells when it has drifted.

`python -m tools.prices` writes it, `--check` compares; the same snapshot always gives the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterable
from decimal import Decimal
from importlib import metadata
from pathlib import Path

import attrs
from genai_prices.data import providers

from tools.price_rows import SOURCE, PriceRow, provider_rows

PROVIDERS = ("openai", "anthropic")
PATH = Path(__file__).parents[1] / "configs/openai/cost/prices/list_prices.csv"
SCALE = 9  # decimal places of a BigQuery NUMERIC


def list_prices() -> list[PriceRow]:
    """Return the list prices of every provider the service reads, as the installed snapshot has them."""
    by_id = {provider.id: provider for provider in providers}
    version = metadata.version(SOURCE)
    return [row for name in PROVIDERS for row in provider_rows(by_id[name], version)]


def as_csv(rows: Iterable[PriceRow]) -> str:
    """Return the table: a header, then one line per row; money as decimal text, an open end empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.name for column in attrs.fields(PriceRow))
    writer.writerows([_cell(value) for value in attrs.astuple(row)] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return _decimal(value)
    return "" if value is None else str(value)


def _decimal(value: Decimal) -> str:
    text = f"{value.normalize():f}"
    if len(text.partition(".")[2]) > SCALE:
        raise ValueError(f"{text} has more than {SCALE} decimal places")
    return text


def main(argv: list[str] | None = None) -> int:
    """Write or check the table; the exit code is 1 when it has drifted."""
    parser = argparse.ArgumentParser(prog="python -m tools.prices", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed table, write nothing")
    parser.add_argument("--path", type=Path, default=PATH)
    arguments = parser.parse_args(argv)
    table = as_csv(list_prices())
    if not arguments.check:
        arguments.path.parent.mkdir(parents=True, exist_ok=True)
        arguments.path.write_text(table, encoding="utf-8")
        print(f"{arguments.path}: {table.count(chr(10)) - 1} prices")
        return 0
    if arguments.path.is_file() and arguments.path.read_text(encoding="utf-8") == table:
        return 0
    print(f"{arguments.path} is not what the installed {SOURCE} gives; run `make prices`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
