"""How a repair takes hold of the emulator: replace or wrap what exists, never add beside it.

Every function fails loudly when the part it expects is gone, so that a new release cannot lose a repair in silence.
A wrapper is called as `around(original, *args, **kwargs)` and decides whether and how the original is called.
"""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import APIRouter


def patch(owner: object, name: str, replacement: object) -> None:
    """Put `replacement` at `owner.name`. AttributeError when nothing stands there."""
    getattr(owner, name)
    setattr(owner, name, replacement)


def patch_everywhere(original: object, replacement: object) -> None:
    """Replace `original` in every loaded module of the emulator that has it by name."""
    places = [
        (module, attribute)
        for name, module in list(sys.modules.items())
        if name.startswith("bqemulator")
        for attribute, value in vars(module).items()
        if value is original
    ]
    if not places:
        raise LookupError(f"nothing in the emulator refers to {original!r}")
    for module, attribute in places:
        setattr(module, attribute, replacement)


def wrap(owner: object, name: str, around: Callable[..., Any]) -> None:
    """Wrap the function or method at `owner.name`."""
    patch(owner, name, _wrapped(getattr(owner, name), around))


def wrap_everywhere(original: Callable[..., Any], around: Callable[..., Any]) -> None:
    """Wrap a function wherever the emulator has it by name."""
    patch_everywhere(original, _wrapped(original, around))


def wrap_route(router: APIRouter, original: Callable[..., Any], around: Callable[..., Any]) -> None:
    """Wrap an endpoint wherever `router` serves it; its routes keep their place, methods and status."""
    found = [route for route in router.routes if getattr(route, "endpoint", None) is original]
    if not found:
        raise LookupError(f"no route serves {original!r}")
    replacement = _wrapped(original, around)
    for old in found:
        path: str = getattr(old, "path", "").removeprefix(router.prefix)
        router.add_api_route(
            path, replacement, methods=list(getattr(old, "methods", ())), status_code=getattr(old, "status_code", None)
        )
        router.routes[router.routes.index(old)] = router.routes.pop()
    patch_everywhere(original, replacement)


def _wrapped(original: Callable[..., Any], around: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the original's signature, which FastAPI reads, and its colour, which decides where FastAPI runs it."""
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def coloured(*args: Any, **kwargs: Any) -> Any:
            return await around(original, *args, **kwargs)

        return coloured

    @functools.wraps(original)
    def plain(*args: Any, **kwargs: Any) -> Any:
        return around(original, *args, **kwargs)

    return plain
