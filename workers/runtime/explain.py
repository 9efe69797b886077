"""Says, in order, why a run is not further, or whose problem its failure is."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from attrs import frozen

from workers.catalog import Catalog
from workers.catalog.orgs import Directory
from workers.model.admission import obstacles
from workers.model.credential import ValidationStatus
from workers.model.explanation import Explanation, Owner, Why
from workers.model.explanation_ended import ended_reasons
from workers.model.explanation_live import live_reasons
from workers.model.failure import Code, FailedError, Failure, Reason, refused
from workers.model.org import Org
from workers.model.run import Run, RunStatus
from workers.model.situation import Ended, LaneState, Live, Situation, Waiting
from workers.model.verdicts import VERDICTS
from workers.ports import Clock, Journal
from workers.runtime.pinned import pinned


@frozen
class Explained:
    """A run's reasons, the most decisive first, and its lane while it is live; `ahead` stand before it there."""

    status: RunStatus
    reasons: tuple[Explanation, ...]
    lane: LaneState | None = None
    ahead: int = 0


@frozen
class Explain:
    """Reads the journal and the directory; changes nothing. `mend_at` is where an organisation mends its set-up."""

    journal: Journal
    directory: Directory
    catalog: Catalog
    clock: Clock
    mend_at: str

    async def explain(self, org: str, run_id: UUID) -> Explained:
        """Explain a run in whatever state; raises RUN_NOT_FOUND."""
        found = await self.journal.situation(org, run_id)
        if found is None:
            raise refused(Code.NOT_FOUND, Reason.RUN_NOT_FOUND, "there is no such run")
        run, state = found.run, found.state
        if isinstance(state, Ended):
            return Explained(run.status, ended_reasons(run, found.at, state, self.mend_at))
        reasons = (*await self._hindrances(run), *live_reasons(run, found.at, state))
        return Explained(run.status, reasons, state.lane, _ahead(found))

    async def _hindrances(self, run: Run) -> tuple[Explanation, ...]:
        """Return what will keep a live run from its end, as far as that is known beforehand."""
        try:
            needed = (await pinned(run, self.catalog, self.journal)).integration_required
        except FailedError as error:
            return (self._hindrance(error.failure),)
        org = await self.directory.org(run.org_slug)
        today = self.clock.now().date()
        found = [self._hindrance(failure) for failure in obstacles(org, needed, today, self.mend_at)]
        return (*found, *self._rejected(org, needed))

    def _hindrance(self, failure: Failure) -> Explanation:
        verdict = VERDICTS[failure.reason]
        link = self.mend_at if verdict.mended else ""
        return Explanation(failure.reason, failure.message, verdict.owner, remedy=verdict.remedy, link=link)

    def _rejected(self, org: Org | None, needed: tuple[str, ...]) -> Iterator[Explanation]:
        for provider in needed:
            stored = org.integration(provider) if org is not None else None
            if stored is not None and stored.status == ValidationStatus.INVALID:
                why = f": {stored.last_error}" if stored.last_error else ""
                message = f"the {provider} credential was refused when it was last tried; it is tried all the same{why}"
                remedy = VERDICTS[Reason.PROVIDER_AUTH].remedy
                yield Explanation(
                    Why.CREDENTIAL_REJECTED, message, Owner.ORGANISATION, remedy=remedy, link=self.mend_at
                )


def _ahead(found: Situation) -> int:
    match found.state:
        case Live(place=Waiting(ahead=ahead)):
            return ahead
        case _:
            return 0
