"""Answers methods that the contract names and the service does not do yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from workers.model.failure import Code, Reason, refused

Servicer = TypeVar("Servicer")


def not_yet(servicer: type[Servicer]) -> type[Servicer]:
    """Fill in every method of the contract that the class itself does not define; decorate a generated subclass."""
    generated = servicer.__mro__[1]
    for name in vars(generated):
        if not name.startswith("_") and name not in vars(servicer):
            setattr(servicer, name, _refusing(name))
    return servicer


def _refusing(name: str) -> Callable[..., Awaitable[Any]]:
    async def refuse(_self: object, _request: object, _call: object) -> Any:
        raise not_implemented(name)

    refuse.__name__ = name
    return refuse


def not_implemented(name: str) -> Exception:
    """Build the refusal of a method."""
    message = f"{name} is part of the contract, but this version of the service does not do it yet"
    return refused(Code.UNIMPLEMENTED, Reason.NOT_IMPLEMENTED, message, method=name)
