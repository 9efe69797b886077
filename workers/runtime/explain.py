"""Says, in order, why a run is not further, or whose problem its failure is."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from attrs import frozen

from workers.catalog.orgs import Directory
from workers.model.explanation import Explanation
from workers.model.failure import Code, Reason, refused
from workers.model.lease import Position
from workers.model.run import Run, RunError, RunStatus
from workers.ports import Clock, Intake

# Reason → who can mend it, and how.
_BLAME: dict[Reason, tuple[str, str]] = {
    Reason.PROVIDER_AUTH: ("caller", "store a key that the provider accepts, with the scope it asks for, then retry"),
    Reason.PROVIDER_RATE_LIMIT: ("provider", "retry later; nothing is lost"),
    Reason.PROVIDER_UNAVAILABLE: ("provider", "retry later; nothing is lost"),
    Reason.PROVIDER_BAD_RESPONSE: ("provider", "retry; if it stays, the provider's API has changed"),
    Reason.PROVIDER_REFUSED: ("caller", "correct the pipeline's declaration or parameters, then start a new run"),
    Reason.CREDENTIAL_INVALID: ("caller", "store the credential again, then retry"),
    Reason.CREDENTIAL_UNAVAILABLE: ("service", "retry later; nothing is lost"),
    Reason.SUBSCRIPTION_INACTIVE: ("caller", "renew the subscription, then retry"),
    Reason.STEP_TIMEOUT: ("service", "retry; narrow the days of the run, or allow the step more time"),
    Reason.RUN_TIMEOUT: ("service", "retry, which goes on behind the finished steps; or allow the run more time"),
    Reason.CONFIG_INVALID: ("service", "correct the declaration, then start a new run"),
    Reason.SCHEMA_CONFLICT: ("service", "migrate the table as the message says, then retry"),
    Reason.SHRINK_HELD: ("caller", "check the provider's data; start a run with force_refresh to accept them"),
    Reason.STALE_RUN: ("caller", "nothing: a newer attempt of the run has written these days"),
    Reason.CANCELLED: ("caller", "retry if it was cancelled by mistake"),
}


@frozen
class Explain:
    """Reads the journal and the directory; changes nothing."""

    journal: Intake
    directory: Directory
    clock: Clock

    async def explain(self, org: str, run_id: UUID) -> tuple[RunStatus, tuple[Explanation, ...]]:
        """Return the run's status and its reasons, the most decisive first; raises RUN_NOT_FOUND."""
        run = await self.journal.find_run(org, run_id)
        if run is None:
            raise refused(Code.NOT_FOUND, Reason.RUN_NOT_FOUND, "there is no such run")
        if run.status is RunStatus.COMPLETED:
            return run.status, (Explanation("COMPLETED", "every step that could run has its outcome"),)
        if run.status.terminal:
            return run.status, (_blame(run),)
        return run.status, await self._live(run)

    async def _live(self, run: Run) -> tuple[Explanation, ...]:
        org = await self.directory.org(run.org_slug)
        position = await self.journal.position(run.org_slug, run.run_id)
        standing = self._standing(run, position) if position is not None else [_between()]
        if org is not None and org.allows(self.clock.now().date()):
            return tuple(standing)
        message = "the subscription is not ACTIVE or TRIAL"
        return (Explanation("SUBSCRIPTION_INACTIVE", message, "caller", remedy="renew it"), *standing)

    def _standing(self, run: Run, position: Position) -> list[Explanation]:
        now = self.clock.now()
        if position.leased_by:
            until = now + timedelta(seconds=position.lease_left)
            steps = ", ".join(step.step_id for step in run.steps if step.status == "RUNNING") or "its first step"
            return [Explanation("RUNNING", f"{position.leased_by} is doing {steps}; its lease is renewed", until=until)]
        if position.delay > 0:
            until = now + timedelta(seconds=position.delay)
            return [Explanation("WAITING_FOR_TIME", position.why or "it is taken up again at that time", until=until)]
        reasons = []
        if position.running >= position.cap:
            message = f"{position.running} runs of the organisation run and its cap is {position.cap}"
            reasons.append(Explanation("CAP_REACHED", message, remedy="wait for one to end, or raise the plan's limit"))
        if position.ahead:
            reasons.append(Explanation("QUEUED", f"{position.ahead} runs of the organisation stand before it"))
        return reasons or [Explanation("NEXT", "it starts as soon as a worker is free")]


def _between() -> Explanation:
    return Explanation("ENDING", "it ended while this was asked; ask again")


def _blame(run: Run) -> Explanation:
    error = run.error or RunError(Code.INTERNAL, Reason.INTERNAL, "the run ended without a recorded error")
    owner, remedy = _BLAME.get(error.reason, ("service", "retry; if it fails again, show this run id to the operators"))
    return Explanation(error.reason.value, error.message, owner, remedy=remedy)
