"""Model values as the JSON that the journal's statements take."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from workers.model.lease import NewRun
from workers.model.run import RunError

_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def to_json(value: Any) -> str:
    """Return JSON that jsonb accepts: NUL and lone surrogates become U+FFFD. Raises ValueError on NaN."""
    text = _ENCODER.encode(value)
    if "\\u0000" in text or "\\ud" in text:
        text = _ENCODER.encode(_clean(value))
    return text


def to_text(value: str) -> str:
    """Return text that Postgres accepts."""
    return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def to_array(items: Iterable[str]) -> str:
    """Join encoded values."""
    return f"[{','.join(items)}]"


def error_object(error: RunError | None) -> dict[str, str] | None:
    """Return an error as its JSON object."""
    if error is None:
        return None
    return {"code": error.code, "reason": error.reason, "message": error.message, "step": error.step}


def new_run(new: NewRun) -> str:
    """Encode a run to be accepted, without its place in the batch."""
    return to_json({**_identity(new), **_work(new), **_judgement(new)})


def placed(place: int, encoded: str) -> str:
    """Put the place in a batch into an encoded object."""
    return f'{{"ord":{place},{encoded[1:]}'


def _identity(new: NewRun) -> dict[str, Any]:
    return {
        "run_id": str(new.run_id),
        "org": new.org_slug,
        "provider": new.provider,
        "domain": new.domain,
        "pipeline": new.pipeline,
        "pipeline_id": new.pipeline_id,
        "path": f"{new.provider}/{new.domain}/{new.pipeline}",
        "trigger_type": new.trigger_type,
        "trigger_by": new.trigger_by,
        "key_id": new.key_id,
        "trace_id": new.trace_id,
    }


def _work(new: NewRun) -> dict[str, Any]:
    return {
        "config_hash": new.config_hash,
        "run_date": new.run_date.isoformat(),
        "parameters": dict(new.parameters),
        "steps": [[step.step_id, step.ps_type, step.status] for step in new.steps],
        "retry_of": str(new.retry_of) if new.retry_of else None,
        "adopt": list(new.adopt),
        "priority": new.priority,
    }


def _judgement(new: NewRun) -> dict[str, Any]:
    return {
        "key": new.idempotency_key,
        "body_hash": new.body_hash,
        "hash": new.parameters_hash,
        "force_refresh": new.force_refresh,
        "cap": new.terms.cap,
        "weight": new.terms.weight,
        "daily": new.terms.daily_limit,
        "monthly": new.terms.monthly_limit,
        "waiting_limit": new.terms.waiting_limit,
        "audit": dict(new.audit) if new.audit else None,
    }


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return to_text(value)
    if isinstance(value, Mapping):
        return {_clean(name): _clean(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value
