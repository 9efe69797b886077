"""Google Cloud as a laptop needs it: a token endpoint, and three of its REST APIs with data and switchable faults.

Path of a request: app (log, faults) → oauth (a signed assertion becomes a token; a token has scopes) →
lists (paging, in the shape each API has) → estate (billing accounts, instances, list prices, drawn from a seed). One
origin stands for all hosts, told apart by their paths: `/v1/billingAccounts` is cloudbilling, `/compute/v1/…` compute.
"""
