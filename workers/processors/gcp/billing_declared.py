"""What a step of `gcp.bq_etl` may say."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, ge, le

from workers.model.pipeline import Destination
from workers.processors.gcp.export_tables import ExportDeclared


@frozen(kw_only=True)
class BillingDeclared:
    """The `config:` of a step.

    `through`: the organisation's credential, whose pages come by way of this service; or the service itself, where an
    operator has granted it the export in its own location and says in configs/orgs/{org}/billing_export.json which
    billing accounts are the organisation's: then rows never leave BigQuery, and nothing a caller says names a table.

    `look_back_days`: how long after a day its usage may still be exported. `most_gib`: what a step may bill in all.
    `rows_at_once`: how many rows are published together, unless a single day has more.
    """

    destination: Destination
    source: ExportDeclared = field(factory=ExportDeclared)
    provider: str = "GCP_SA"
    through: Literal["credential", "service"] = "credential"
    job_project: str = ""
    look_back_days: int = field(default=10, validator=and_(ge(0), le(92)))
    most_gib: int = field(default=100, validator=and_(ge(1), le(100_000)))
    rows_at_once: int = field(default=1_000_000, validator=ge(1))
    statements_sql: str = "gcp/cost/sql/billing_export.sql"
    columns_sql: str = "gcp/cost/sql/billing_columns.sql"
    published_sql: str = "gcp/cost/sql/billing_published.sql"

    def __attrs_post_init__(self) -> None:
        if self.destination.write_mode != "overwrite":
            raise ValueError("'destination' takes days in place of what was there: write_mode must be overwrite")

    @property
    def granted(self) -> bool:
        """Whether the service itself reads."""
        return self.through == "service"
