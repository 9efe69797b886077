"""The OpenAI provider as a laptop needs it: organization usage and cost, the account, with data and switchable faults.

Path of a request: app (authorization, faults, log) → query (parameters) → pages (cursor, buckets) → rows (grouping) →
a source of records (generated, or a file). A record is one bundle of usage at a second of a UTC day; every bucket
width, filter and grouping is computed from records, so all views of a day agree.

A data file is JSON, records by endpoint name: {"completions": [{"date": "2026-11-01", "second": 0, "model": …,
"input_tokens": …}], "costs": [{"date": …, "line_item": …, "amount": "0.06"}]}. `second` may be left out. Fields that
the endpoint does not know are kept on its rows.
"""
