"""From plain values to attrs classes, strictly: no unknown key, no silent conversion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum, IntEnum, StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin

import attrs
from cattrs import ClassValidationError, Converter
from cattrs.cols import (
    homogenous_tuple_structure_factory,
    is_mapping,
    is_mutable_sequence,
    is_sequence,
    list_structure_factory,
    mapping_structure_factory,
)
from cattrs.gen import make_dict_structure_fn
from cattrs.strategies import configure_union_passthrough

from workers.catalog.documents import Document
from workers.catalog.faults import faults
from workers.catalog.problems import Findings

T = TypeVar("T")
Names = str | tuple[str, ...] | None
"""One name, or a list of them, or nothing said."""


def structure(value: Any, cls: type[T]) -> T:
    """Make a `cls`; an error it raises is explained by `faults`."""
    return CONVERTER.structure(value, cls)


def read_as(document: Document, cls: type[T], findings: Findings) -> T | None:
    """Make a `cls` of a whole document; None when it does not fit, and then `findings` says why."""
    try:
        return structure(document.data, cls)
    except Exception as error:  # noqa: BLE001 - cattrs lets through whatever a class's own validators raise
        for fault in faults(error):
            findings.problems.append(document.problem(fault.message, *fault.path, key=fault.key))
        return None


def _expect(kinds: tuple[type, ...], words: str) -> Callable[[Any, Any], Any]:
    def check(value: Any, _cls: Any) -> Any:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise ValueError(f"must be {words}, not {_shown(value)}")
        return value

    return check


def _float(value: Any, _cls: Any) -> float:
    return float(_expect((int, float), "a number")(value, _cls))


def _decimal(value: Any, _cls: Any) -> Decimal:
    try:
        return Decimal(str(_expect((int, float, str, Decimal), "a decimal number")(value, _cls)))
    except InvalidOperation:
        raise ValueError(f"must be a decimal number, not {_shown(value)}") from None


def _date(value: Any, _cls: Any) -> date:
    try:
        return value if isinstance(value, date) else date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"must be a day written YYYY-MM-DD, not {_shown(value)}") from None


def _choice(value: Any, cls: Any) -> Any:
    options = get_args(cls) if _is_literal(cls) else tuple(member.value for member in cls)
    if value not in options or isinstance(value, bool) is not any(isinstance(one, bool) for one in options):
        raise ValueError(f"must be one of {', '.join(map(str, options))}, not {_shown(value)}")
    return value if _is_literal(cls) else cls(value)


def _shown(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f"the text {value[:40]!r}"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return str(value)


def _names(value: Any, _cls: Any) -> Any:
    return value if value is None or isinstance(value, str) else CONVERTER.structure(value, tuple[str, ...])


def _guarded(kind: tuple[type, ...], words: str, inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    check = _expect(kind, words)
    return lambda value, cls: inner(check(value, cls), cls)


_SCALARS: dict[type, Callable[[Any, Any], Any]] = {
    str: _expect((str,), "a text"),
    bool: _expect((bool,), "true or false"),
    int: _expect((int,), "a whole number"),
    float: _float,
    Decimal: _decimal,
    date: _date,
}

_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}


def _is_literal(cls: Any) -> bool:
    return get_origin(cls) is Literal


def _is_any_of_scalars(cls: Any) -> bool:
    kinds = set(get_args(cls))
    return isinstance(cls, UnionType) and kinds <= _WORDS.keys() and len(kinds - {NoneType}) > 1


def _any_of_scalars(value: Any, cls: Any) -> Any:
    kinds = get_args(cls)
    if type(value) not in kinds:
        raise ValueError(f"must be {' or '.join(_WORDS[kind] for kind in kinds)}, not {_shown(value)}")
    return value


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    for kind, hook in _SCALARS.items():
        converter.register_structure_hook(kind, hook)
    for enum in (StrEnum, IntEnum, Enum):
        converter.register_structure_hook(enum, _choice)
    converter.register_structure_hook_func(_is_literal, _choice)
    converter.register_structure_hook_func(lambda cls: cls == Names, _names)
    _guard_containers(converter)
    configure_union_passthrough(str | int | float | bool | None, converter)
    converter.register_structure_hook_func(_is_any_of_scalars, _any_of_scalars)
    return converter


def _guard_containers(converter: Converter) -> None:
    """Refuse a text where a list is due (it is not a list of characters), and anything but a mapping for one."""

    def guard(kinds: tuple[type, ...], words: str, make: Callable[[Any, Converter], Any]) -> Callable[[Any], Any]:
        return lambda cls: _guarded(kinds, words, make(cls, converter))

    lists, mappings = ((list, tuple), "a list"), ((Mapping,), "a mapping")
    register = converter.register_structure_hook_factory
    register(is_sequence, guard(*lists, homogenous_tuple_structure_factory))
    register(is_mutable_sequence, guard(*lists, list_structure_factory))
    register(_is_row_of_one_kind, guard(*lists, homogenous_tuple_structure_factory))
    register(is_mapping, guard(*mappings, mapping_structure_factory))
    register(attrs.has, guard(*mappings, _make_telling_all))


def _make_telling_all(cls: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    """Make a hook that, when a class cannot be made, asks every validator: attrs stops at the first."""
    make = make_dict_structure_fn(cls, converter)

    def structured(value: Any, wanted: Any) -> Any:
        try:
            return make(value, wanted)
        except ClassValidationError as error:
            said = {str(inner) for inner in error.exceptions}
            more = [found for found in _refusals(value, cls, converter) if str(found) not in said]
            if not more:
                raise
            raise ClassValidationError(error.message, [*error.exceptions, *more], cls) from None

    return structured


def _refusals(value: Mapping[str, Any], cls: Any, converter: Converter) -> Iterator[Exception]:
    for attribute in attrs.fields(cls):
        if attribute.validator is None or attribute.name not in value:
            continue
        try:
            inner = converter.structure(value[attribute.name], attribute.type)
        except Exception:  # noqa: BLE001, S112 - told by the hook that makes the class
            continue
        try:
            attribute.validator(None, attribute, inner)
        except Exception as error:  # noqa: BLE001 - whatever a validator raises
            yield error


def _is_row_of_one_kind(cls: Any) -> bool:
    return get_origin(cls) is tuple and get_args(cls)[1:] == (Ellipsis,)


CONVERTER = _converter()
