"""What no answer may show, and what is refused by more than the rules of fields."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[4]
INSIDE = re.compile(
    rf"{re.escape(str(ROOT))}|"
    r"Traceback|site-packages|\.py\b|/tmp/|asyncpg|psycopg|protobuf|grpc\.aio|\bobject at 0x|"
    r"\b[A-Z]\w*(Error|Exception)\b|SELECT |INSERT |datapipeline\.v1|google\.protobuf"
)
BEYOND_RULES = {
    "PutSchedule": {"schedule.schedule_cron", "schedule.config_id"},
    "TriggerScheduled": {"due_at"},
    "RunPipeline": {"idempotency-key"},
    "RetryRun": {"idempotency-key"},
}
