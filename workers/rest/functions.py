"""Functions that expressions have beside JMESPath's own: what answers of APIs need before they are rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from jmespath.functions import Functions, signature

_NANO = Decimal("0.000000001")


class OurFunctions(Functions):
    """JMESPath's functions and these.

    `entries(object)` lists the members of an object as {key, value}. `last_segment(text)` is what follows the last
    slash of a URL or resource name. `money(object)` is google.type.Money, whose `units` are a whole number written as
    text and whose `nanos` are billionths, as one decimal number. Null gives null.
    """

    @signature({"types": ["object", "null"]})
    def _func_entries(self, given: Any) -> Any:
        return None if given is None else [{"key": key, "value": value} for key, value in given.items()]

    @signature({"types": ["string", "null"]})
    def _func_last_segment(self, given: Any) -> Any:
        return None if given is None else given.rpartition("/")[2]

    @signature({"types": ["object", "null"]})
    def _func_money(self, given: Any) -> Any:
        if given is None:
            return None
        return Decimal(int(given.get("units", 0))) + Decimal(int(given.get("nanos", 0))) * _NANO
