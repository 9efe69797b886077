"""Functions that expressions have beside JMESPath's own: what answers of APIs need before they are rows."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from jmespath.functions import Functions, signature

_NANO = Decimal("0.000000001")
_NUMBER = re.compile(r"-?[0-9]{1,80}(\.[0-9]{1,80})?([eE][+-]?[0-9]{1,3})?", re.ASCII)


class OurFunctions(Functions):
    """JMESPath's functions and these.

    `entries(object)` lists the members of an object as {key, value}. `if_absent(object, found, instead)` is what was
    found in an object, or something instead of nothing; in anything but an object nothing can be found.
    `last_segment(text)` is what follows the last slash of a URL or resource name. `money(object)` is google.type.Money,
    whose `units` are a whole number written as text and whose `nanos` are billionths, as one decimal number. Null gives
    null.

    `to_number` and `to_string` are JMESPath's, but know decimal numbers: they cut nothing off, and make no floats.
    """

    @signature({"types": []})
    def _func_to_number(self, given: Any) -> Any:
        if isinstance(given, str) and _NUMBER.fullmatch(given):
            return Decimal(given) if {".", "e", "E"} & set(given) else int(given)
        return given if isinstance(given, int | Decimal) and not isinstance(given, bool) else None

    @signature({"types": []})
    def _func_to_string(self, given: Any) -> Any:
        return str(given) if isinstance(given, Decimal) else super()._func_to_string(given)  # type: ignore[misc]

    @signature({"types": ["object", "null"]})
    def _func_entries(self, given: Any) -> Any:
        return None if given is None else [{"key": key, "value": value} for key, value in given.items()]

    @signature({"types": ["object"]}, {"types": []}, {"types": []})
    def _func_if_absent(self, _whole: Any, found: Any, instead: Any) -> Any:
        return instead if found is None else found

    @signature({"types": ["string", "null"]})
    def _func_last_segment(self, given: Any) -> Any:
        return None if given is None else given.rpartition("/")[2]

    @signature({"types": ["object", "null"]})
    def _func_money(self, given: Any) -> Any:
        if given is None:
            return None
        return _whole(given.get("units", 0)) + _whole(given.get("nanos", 0)) * _NANO


def _whole(given: Any) -> Decimal:
    if isinstance(given, bool) or not isinstance(given, int | str):
        raise ValueError("not a whole number")  # noqa: TRY004 - what an expression is caught by
    return Decimal(int(given))
