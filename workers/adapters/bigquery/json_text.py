"""JSON text of values whose fractions are Decimal: every digit kept, nothing rounded through a float. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any


def json_text(value: Any) -> str:
    """Encode a value. ValueError or TypeError when JSON cannot hold it: NaN, a date, a key that is not text."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except TypeError:
        return _exact(value)


def _exact(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(key)}:{_exact(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_exact, value)) + "]"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("not a finite number")
        return str(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError("a key is not text")
    return str(encode_basestring(key))
