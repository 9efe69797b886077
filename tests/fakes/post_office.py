"""A workshop whose runs are told of by mail, into a letterbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
from attrs import frozen

from tests.fakes.central import ListedCentral, Script
from tests.fakes.letterbox import Letterbox
from tests.fakes.workshop import CREDENTIAL, SYSTEM, Workshop
from workers.adapters.kms import LocalKms
from workers.catalog.credentials import Credentials
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.notice import Channel
from workers.model.secret import bound_data
from workers.ports import StepContext, StepResult
from workers.runtime.announcer import Announcer
from workers.runtime.courier import Courier

MAIL = """
enabled: true
to: [ops@service.example]
subject_prefix: "[dp]"
events: [pipeline_failure, pipeline_warning, rate_limit_exceeded, system_error]
cooldown_minutes: COOLDOWN
smtp: {host: mail.service.example, from_address: dp@service.example}
"""
WORK = "steps: [{step_id: work, ps_type: lab.act}]"


@frozen
class Post:
    """A workshop whose runs are told of by mail."""

    shop: Workshop
    box: Letterbox
    url: str

    def courier(self, notices: Any = None) -> Courier:
        journal, catalog = self.shop.journal, self.shop.catalog()
        answers: dict[str, Script] = {(SYSTEM.parent / CREDENTIAL).read_text(): self._stored}
        credentials = Credentials(ListedCentral(answers), LocalKms(self.shop.folder / "kms.key"), catalog.schemas)
        return Courier(
            Announcer(journal, journal, catalog),
            notices or journal,
            journal,
            catalog.notifications,
            credentials,
            dict.fromkeys(Channel, self.box),
            self.shop.clock,
            lambda: 0.0,
            "platform",
        )

    def _stored(self, asked: Any) -> list[Any]:
        return [row for row in self.shop.stored if (row["org_slug"], [row["provider"]]) == tuple(asked.values())]

    async def store(self, org: str, provider: str, secret: str) -> None:
        """Store a credential as the platform does."""
        bound = bound_data(org, provider, "c1")
        sealed = await LocalKms(self.shop.folder / "kms.key").encrypt(secret.encode(), bound)
        row = {"org_slug": org, "provider": provider, "credential_id": "c1", "encrypted_credential": sealed}
        self.shop.stored.append({**row, "validation_status": "VALID"})

    async def carry(self) -> list[str]:
        """Send what there is, and return the subjects of all that was sent."""
        courier = self.courier()
        before = -1
        while before != (before := await self._left()):
            await courier.carry()
        return self.box.subjects

    async def ended(self, **parts: Any) -> None:
        """Take a run of the usual pipeline to its end."""
        file = self.shop.folder / "lab/test/flow.yml"
        if not file.exists() or file.read_text() != WORK:
            await self.shop.declare(WORK)
        self.shop.parts.update(parts)
        await self.shop.go_on(await self.shop.submit())

    async def query(self, sql: str, *values: Any) -> Any:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()

    async def _left(self) -> int:
        news = "SELECT count(*) FROM outbox WHERE kind = 'notice'"
        return int(await self.query(f"SELECT 1000 * ({news}) + (SELECT count(*) FROM letter)"))


def settings(shop: Workshop) -> Path:
    """Return the file of the service's own settings of mail."""
    return shop.folder / "notify_systems" / "email_notification" / "config.yml"


def settle(shop: Workshop, cooldown: float = 0) -> None:
    settings(shop).parent.mkdir(parents=True, exist_ok=True)
    settings(shop).write_text(MAIL.replace("COOLDOWN", str(cooldown)))


async def fail(_ctx: StepContext) -> StepResult:
    raise FailedError(Failure(Code.PERMISSION_DENIED, Reason.PROVIDER_AUTH, "answered\r\nBcc: x@evil.example"))


async def do(_ctx: StepContext) -> StepResult:
    return StepResult()
