"""Columns made of an API's row: some found in it, wherever they stand, some the same for every row. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from attrs import field, frozen

from workers.rest.expressions import ABSENT, ExpressionError, Find, expression


class ShapeError(ValueError):
    """A place of a row that cannot be worked on; `column` is the one it was meant for."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(f"{column} {why}")
        self.column = column
        self.why = why


def _exact(given: Mapping[str, Any]) -> Mapping[str, Any]:
    # A file's numbers are floats, which no column takes: what it says in digits is meant.
    return {name: Decimal(repr(value)) if isinstance(value, float) else value for name, value in given.items()}


@frozen
class Shape:
    """`flatten` names the place of each column below a row (see `expressions`), `add` columns with their value.

    Where both name a column, `add` wins. What is absent is null.
    """

    flatten: Mapping[str, str] = field(factory=dict)
    add: Mapping[str, Any] = field(factory=dict, converter=_exact)
    _finders: tuple[tuple[str, Find], ...] = field(init=False, repr=False, eq=False)

    @_finders.default
    def _compiled(self) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
        return tuple((column, expression(place)) for column, place in self.flatten.items() if column not in self.add)

    def columns(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns; raises ShapeError."""
        found = dict(self.add)
        for column, find in self._finders:
            try:
                value = find(row)
            except ExpressionError as error:
                raise ShapeError(column, str(error)) from None
            found[column] = None if value is ABSENT else value
        return found
