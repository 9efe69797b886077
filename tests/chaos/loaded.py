"""What the warehouse has to hold after a fault: the days that runs loaded, as the provider has them, and audit rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import date

from attrs import field, frozen

from tests.e2e.stack.provider_reader import COUNTS, NAMES, ProviderReader
from tests.fakes.org_client import OrgClient
from tests.plugins.sandbox import CENTRAL, Running


@frozen
class Loaded:
    """The days that accepted runs are to load."""

    running: Running
    _days: dict[str, tuple[OrgClient, str]] = field(factory=dict)

    def note(self, run_id: str, org: OrgClient, day: str) -> None:
        """Keep what a run is for."""
        self._days[run_id] = org, day

    async def unlike(self, status: Callable[[str], Awaitable[str]]) -> list[str]:
        """Name the days whose run completed and that are not in their table as the provider has them; then forget."""
        days = dict(self._days)
        self._days.clear()
        return [
            f"{day} of {org.slug} is not as the source"
            for run_id, (org, day) in days.items()
            if await status(run_id) == "COMPLETED" and not await self.alike(org, day)
        ]

    async def alike(self, org: OrgClient, day: str) -> bool:
        """Whether the usage table holds every row of the provider for that day, once."""
        reader = ProviderReader(
            self.running.rest.session, self.running.simulator.base_url, self.running.stack.secrets.openai_key
        )
        expected = await reader.usage(date.fromisoformat(day), date.fromisoformat(day))
        sql = f"SELECT * FROM {org.dataset}.openai_usage_daily_raw WHERE usage_date = CAST(@day AS DATE)"
        rows = await self.running.query(sql, day=day)
        stored = {tuple(row[name] for name in NAMES): {n: row[n] or 0 for n in COUNTS} for row in rows}
        return len(rows) == len(stored) and stored == expected


async def unrecorded(running: Running, acked: Collection[str]) -> list[str]:
    """Name the acked runs that no audit row, in the outbox or published since, is about."""
    kept = await running.journal.fetch("SELECT payload->>'resource_id' AS id FROM outbox WHERE kind = 'audit'")
    missing = set(acked) - {row["id"] for row in kept}
    if missing:
        rows = await running.query(f"SELECT resource_id FROM {CENTRAL}.org_audit_logs")
        missing -= {row["resource_id"] for row in rows}
    return [f"{run_id} has no audit row" for run_id in missing]
