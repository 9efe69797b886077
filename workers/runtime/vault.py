"""What one step may do with secrets: read, keep, store, judge. Given the stored credentials and what the run keeps.

What is kept lives in this process, for as long as it has the run: no journal, event or log sees it. Of what a step
kept, its output names where it came from, so that another process which goes on with the run can read it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import structlog
from attrs import define, evolve, field, frozen

from workers.catalog.credentials import Credentials, absent, usable
from workers.model.credential import Credential, CredentialType, ValidationStatus, Verdict, credential_id
from workers.model.failure import FailedError, Failure, Reason
from workers.model.run import StepRun, StepStatus
from workers.model.secret import Secret
from workers.ports import Clock

log = structlog.get_logger()

KEPT_AS, KEPT_FROM = "kept_as", "provider"
"""What a step that keeps a secret says of it in its output."""

_REFUSED = {"400", "401"}
"""Statuses that are about the credential: of 400 only a token endpoint's becomes PROVIDER_AUTH; a 403 may be about one
thing that was asked for."""


@define(eq=False, repr=False)
class Kept:
    """What the steps of one run hand on, by name, each with the step it is from."""

    _secrets: dict[str, tuple[str, Secret]] = field(factory=dict, init=False)

    def put(self, name: str, step_id: str, secret: Secret) -> None:
        """Keep, in place of what was kept under the name."""
        self._secrets[name] = (step_id, secret)

    def find(self, name: str, steps: frozenset[str]) -> Secret | None:
        """Return what one of the steps kept."""
        step_id, secret = self._secrets.get(name, ("", None))
        return secret if step_id in steps else None


@frozen
class Standing:
    """Whose step it is: the run's organisation and id, the attempt, and the steps that have their outcome."""

    org: str
    run_id: UUID
    attempt: StepRun
    done: Mapping[str, StepRun]

    @property
    def completed(self) -> frozenset[str]:
        """The steps that handed on what they kept, and this one."""
        ended = (name for name, step in self.done.items() if step.status is StepStatus.COMPLETED)
        return frozenset((*ended, self.attempt.step_id))


class StepVault:
    """Keeps `workers.ports.Vault` for one attempt of a step; `operations` counts what was sealed and opened."""

    def __init__(
        self,
        credentials: Credentials,
        canonical: Callable[[str], str],
        kept: Kept,
        standing: Standing,
        clock: Clock,
    ) -> None:
        self._credentials = credentials
        self._canonical = canonical
        self._kept = kept
        self._standing = standing
        self._clock = clock
        self._used: dict[str, Credential] = {}
        self._rotated: list[Secret] = []
        self.operations = 0

    async def secret(self, name: str, secret_key: str = "") -> Secret:
        """Return what was kept under the name, the stored credential, or what was kept under `secret_key`."""
        kept = self._handed_on(name)
        if kept is not None:
            return kept
        provider = self.source(name)
        found = await self._find(provider)
        if found is not None:
            return usable(found).secret
        kept = self._handed_on(secret_key)
        if kept is not None:
            return kept
        if secret_key and self.source(secret_key) != secret_key:
            return await self.secret(self.source(secret_key))
        raise absent(provider)

    async def stored(self, provider: str) -> Credential:
        """Return the active credential whatever its last validation said."""
        found = await self._find(provider)
        if found is None:
            raise absent(provider)
        return found

    async def unseal(self, provider: str, sealed: str) -> Secret:
        """Open a secret that was handed in sealed for this organisation and provider."""
        self.operations += 1
        return await self._credentials.unseal(self._standing.org, provider, sealed)

    def keep(self, name: str, secret: Secret) -> None:
        """Hand a secret on to later steps of this run."""
        self._kept.put(self._canonical(name), self._standing.attempt.step_id, secret)

    async def store(
        self,
        provider: str,
        secret: Secret,
        *,
        name: str = "",
        kind: CredentialType | None = None,
        status: ValidationStatus = ValidationStatus.PENDING,
    ) -> str:
        """Store under an id made of the run, the step and the provider."""
        act = (self._standing.run_id, self._standing.attempt.step_id, self._canonical(provider))
        return await self._store(act, provider, secret, name=name, kind=kind, status=status)

    async def rotate(self, provider: str, secret: Secret) -> None:
        """Store what the provider has replaced its credential by; it has just given it out, so it is VALID.

        Called again with the same secret, as after an unknown outcome, it is the same act.
        """
        if not self._rotated or self._rotated[-1].reveal() != secret.reveal():
            self._rotated.append(secret)
        step, number, source = self._standing.attempt, len(self._rotated), self.source(provider)
        act = (self._standing.run_id, step.step_id, step.attempt, number, self._canonical(source))
        await self._store(act, source, secret, status=ValidationStatus.VALID)
        if self._handed_on(provider) is not None:
            self.keep(provider, secret)

    async def record(self, credential_id: str, verdict: Verdict) -> None:
        """Record what a validation found, with the time."""
        await self._credentials.record(self._standing.org, credential_id, verdict, self._clock.now())

    async def explained(self, error: FailedError) -> FailedError:
        """Return a step's failure; where its provider refused, flag the credential and say what is known of it."""
        failure = error.failure
        used = self._used.get(self._canonical(failure.metadata.get("provider", "")))
        if failure.reason is not Reason.PROVIDER_AUTH or used is None:
            return error
        if failure.metadata.get("status") in _REFUSED and used.status != ValidationStatus.INVALID:
            await self._flag(used, failure)
        return FailedError(evolve(failure, message=f"{failure.message}{_known(used)}"))

    async def _flag(self, used: Credential, failure: Failure) -> None:
        try:
            await self.record(used.credential_id, Verdict(ValidationStatus.INVALID, failure.message))
        except FailedError as error:
            log.warning("refused credential not flagged", reason=error.failure.reason)

    async def _find(self, provider: str) -> Credential | None:
        found = await self._credentials.find(self._standing.org, provider)
        if found is not None:
            self.operations += 1
            self._used[self._canonical(provider)] = found
        return found

    async def _store(self, act: tuple[object, ...], provider: str, secret: Secret, **more: Any) -> str:
        self.operations += 1
        stored = await self._credentials.store(
            self._standing.org, provider, secret, credential_id=credential_id(*act), **more
        )
        if self._handed_on(provider) is not None:
            self.keep(provider, secret)
        return stored

    def _handed_on(self, name: str) -> Secret | None:
        return self._kept.find(self._canonical(name), self._standing.completed) if name else None

    def source(self, name: str) -> str:
        """Return the provider that a completed step read what it kept under the name from; else the name itself."""
        for step_id in self._standing.completed & self._standing.done.keys():
            output = self._standing.done[step_id].output
            if name and output.get(KEPT_AS) == name and isinstance(output.get(KEPT_FROM), str):
                return str(output[KEPT_FROM])
        return name


def _known(used: Credential) -> str:
    if used.last_validated_at is None:
        return ""
    why = f": {used.last_error}" if used.last_error else ""
    return f"; the credential was {used.status} when it was last validated, {used.last_validated_at:%F %H:%M} UTC{why}"
