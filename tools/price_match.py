"""How a price list recognises a model, as one RE2 pattern.

Given a match clause of genai-prices; hands on a pattern that is anchored at both ends and ignores case, so that
`REGEXP_CONTAINS(model, model_match)` answers as the library does, compact dates (`-20251211`) included.
"""

from __future__ import annotations

import re

from genai_prices import types

_MONTH_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_DATE = re.compile(r"-(20\d{2})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?=-|:|$)")
_YEAR_AT_END = re.compile(r"-(20\d{2})-$")
_ANY_DATE = r"-\d{4}-\d{2}-\d{2}"
_ANY_COMPACT_DATE = rf"-20\d{{2}}{_MONTH_DAY}"
_PLAIN = re.compile(r"[\w:/@ -]")


class UnsupportedClauseError(ValueError):
    """The clause has no equal in one RE2 pattern."""


def model_pattern(clause: types.MatchLogic) -> str:
    """Return the anchored RE2 pattern that accepts the names `clause` accepts.

    Names with a compact date are accepted where their dashed spelling is, as the library does in a second pass; unlike
    there, a day that no calendar has (`-20250231`) is accepted too. Raises UnsupportedClauseError for a conjunction.
    """
    return f"(?is)^(?:{'|'.join(dict.fromkeys(_alternatives(clause)))})$"


def _alternatives(clause: types.MatchLogic) -> list[str]:
    match clause:
        case types.ClauseOr(or_=clauses):
            return [pattern for each in clauses for pattern in _alternatives(each)]
        case types.ClauseEquals(equals=text):
            return [_literal(text), *_compact(text, "")]
        case types.ClauseStartsWith(starts_with=text):
            return [_literal(text) + ".*", *_compact(text, ".*"), *_split_date(text)]
        case types.ClauseEndsWith(ends_with=text):
            return [".*" + _literal(text)]
        case types.ClauseContains(contains=text):
            return [".*" + _literal(text) + ".*"]
        case types.ClauseRegex(regex=text):
            return _regex(text)
        case _:
            raise UnsupportedClauseError(f"no single RE2 pattern for {type(clause).__name__}")


def _literal(text: str) -> str:
    return "".join(char if _PLAIN.fullmatch(char) else f"\\{char}" for char in text)


def _compact(text: str, rest: str) -> list[str]:
    compact = _DATE.sub(r"-\1\2\3", text)
    return [] if compact == text else [_literal(compact) + rest]


def _split_date(prefix: str) -> list[str]:
    """Let a prefix that ends within a date (`gpt-4o-2024-`) also begin names whose date is compact."""
    if not _YEAR_AT_END.search(prefix):
        return []
    return [_literal(prefix[:-1]) + _MONTH_DAY + "(?:[-:].*)?"]


def _regex(text: str) -> list[str]:
    """Turn a searched expression into a full match: an absent anchor becomes a wildcard."""
    body = text.removeprefix("^").removesuffix("$")
    head = "" if text.startswith("^") else ".*"
    tail = "" if text.endswith("$") else ".*"
    patterns = [f"{head}{body}{tail}"]
    if _ANY_DATE in body:
        patterns.append(f"{head}{body.replace(_ANY_DATE, _ANY_COMPACT_DATE)}{tail}")
    return patterns
