"""Prices as CSV files give them, checked, as rows of llm_price_book."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from workers.model.money import exact, stored

# What RE2, which matches models to prices in the warehouse, does not know although Python does.
_NOT_RE2 = re.compile(r"\(\?(?:[=!>(#]|<[=!]|P[=>])|\\[1-9ZG]|[*+?}]\+")
_BOM = "\ufeff"

REQUIRED = ("provider", "model_id", "meter", "variant", "price_usd", "per", "effective_date")
OPTIONAL = ("model_match", "end_date", "notes", "price_id", "match_rank", "source", "source_version")


# Whose price counts: the lowest that has one.
OWN, PLATFORM, LISTED = range(3)


class PriceFileError(ValueError):
    """A price file that cannot be used; the message names the file and line of everything that is wrong."""


def prices(path: str, text: str, provider: str, *, custom: bool) -> list[Mapping[str, Any]]:
    """Return the rows of one provider (any case); raise PriceFileError with every fault at once.

    Columns: provider, model_id, meter, variant, price_usd, per, effective_date, and optionally model_match (an RE2
    pattern; without it the model must be `model_id` itself), end_date (the last day), match_rank, source,
    source_version, notes. Money is decimal text of at most nine places; `per` is how many units the price is for.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix(_BOM), newline=""), strict=True)
    rows, faults = [], [f"{path}:1: {fault}" for fault in _header_faults(reader.fieldnames or ())]
    if faults:
        raise PriceFileError("; ".join(faults))
    for number, line in _lines(path, reader):
        try:
            row = _row(line, custom=custom)
        except ValueError as error:
            faults.append(f"{path}:{number}: {error}")
            continue
        if row["provider"] == provider.upper():
            rows.append(row)
    if faults:
        raise PriceFileError("; ".join(faults))
    return rows


def _header_faults(names: Sequence[str]) -> Iterator[str]:
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in {*REQUIRED, *OPTIONAL}]
    if missing:
        yield f"missing columns: {', '.join(missing)}"
    if unknown:
        yield f"unknown columns: {', '.join(unknown)}"


def _lines(path: str, reader: csv.DictReader[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield records with the number of the line they end on."""
    try:
        for line in reader:
            yield reader.line_num, line
    except csv.Error as error:
        raise PriceFileError(f"{path}:{reader.line_num + 1}: {error}") from None


def _row(line: Mapping[str, str], *, custom: bool) -> Mapping[str, Any]:
    if None in line:
        raise ValueError("there are more values than columns")
    for name in REQUIRED:
        if not line[name]:
            raise ValueError(f"{name} is empty")
    effective = _day(line, "effective_date")
    end = _day(line, "end_date") if line.get("end_date") else None
    if end is not None and end < effective:
        raise ValueError("end_date is before effective_date")
    per, price = _amount(line, "per"), _amount(line, "price_usd")
    if per <= 0 or price < 0:
        raise ValueError("per must be positive and price_usd must not be negative")
    return {
        "price_id": line.get("price_id") or _identity(line),
        "provider": line["provider"].upper(),
        "model_id": line["model_id"],
        "model_match": _pattern(line),
        "match_rank": _rank(line),
        "meter": line["meter"],
        "variant": line["variant"],
        "price_usd": price,
        "per": per,
        "effective_date": effective,
        "end_date": end,
        "source": line.get("source") or ("org" if custom else "list"),
        "source_version": line.get("source_version") or None,
        "is_custom": custom,
        "precedence": OWN if custom else LISTED,
        "notes": line.get("notes") or None,
    }


def _amount(line: Mapping[str, str], name: str) -> Decimal:
    try:
        amount = exact(line[name])
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if stored(amount) != amount:
        raise ValueError(f"{name} has more than nine places")
    return stored(amount)


def _rank(line: Mapping[str, str]) -> int:
    text = line.get("match_rank") or "0"
    if not text.isascii() or not text.isdecimal():
        raise ValueError("match_rank is not a whole number")
    return int(text)


def _pattern(line: Mapping[str, str]) -> str:
    pattern = line.get("model_match") or f"^{re.escape(line['model_id'])}$"
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"model_match is no pattern: {error}") from None
    if _NOT_RE2.search(pattern):
        raise ValueError("model_match looks around or back, which RE2 cannot")
    return pattern


def _day(line: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(line[name])
    except ValueError:
        raise ValueError(f"{name} is not a day (YYYY-MM-DD)") from None


def _identity(line: Mapping[str, str]) -> str:
    parts = (line[name] for name in ("provider", "model_id", "meter", "variant", "effective_date"))
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def version_of(texts: Iterable[str]) -> str:
    """Return the digest that tells whether any price file has changed."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode())
        digest.update(b"\x00")
    return digest.hexdigest()
