"""The Anthropic provider as a laptop needs it: usage, cost and Claude Code reports, with data and switchable faults.

Path of a request: app (authorization, version, faults, log) → query (parameters) → a listing (buckets, records or flat
rows) → rows (grouping) → a source of records (generated, or a file). Usage and cost are records at a second of a UTC
day, from which every bucket width, filter and grouping is computed, so all views of a day agree.

A data file is JSON, records by listing: {"messages": [{"date": "2026-11-01", "second": 0, "model": …,
"output_tokens": …}], "cost_report": [{"date": …, "description": …, "amount": "12.5"}], "claude_code": [a record as the
report gives it]}. `second` may be left out; an amount is in cents.
"""
