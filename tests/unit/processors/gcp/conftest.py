"""Steps of the Google extractor on the real reader and a provider on loopback; only the warehouse is a list."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from attrs import define, evolve, field
from structlog import get_logger

from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import Behaviour, HostileProvider
from tests.fakes.listed_warehouse import ListedWarehouse, Publication
from tests.unit.rest.desk import FakeClock
from tests.unit.rest.tokens.conftest import KeyPair
from tests.unit.rest.tokens.conftest import keys as keys  # noqa: PLC0414 - a fixture
from workers.catalog import Catalog
from workers.model.page import Endpoint
from workers.model.resolve import run_variables
from workers.model.run import Progress
from workers.model.secret import Secret
from workers.model.window import DateWindow
from workers.ports import Row, StepContext, StepResult, Wiring
from workers.rest import Egress, RestReader

CONFIGS = Path("configs")
DAY = date(2026, 5, 1)


def page(**members: Any) -> Behaviour:
    return hostile.text(json.dumps(members))


@define(eq=False)
class Bench:
    """The shipped configs, whose Google is the provider on loopback, and everything around a step."""

    shipped: Catalog
    folder: Path
    provider: HostileProvider
    reader: RestReader
    secret: str
    origin: str
    warehouse: ListedWarehouse = field(factory=ListedWarehouse)
    clock: FakeClock = field(factory=FakeClock)
    messages: list[str] = field(factory=list)

    def declare(self, config: str, schema: Any, path: str = "gcp/test/things") -> None:
        """Write a pipeline of one step, and the table it writes."""
        body = textwrap.indent(textwrap.dedent(config), " " * 6)
        step = f"steps:\n  - step_id: extract_things\n    ps_type: gcp.api_extractor\n    config:\n{body}\n"
        self.write(f"{path}.yml", step)
        self.write(f"gcp/test/schemas/{schema['table']}.json", json.dumps(schema))

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def catalog(self) -> Catalog:
        """Load what a test has declared; without that it is what is shipped."""
        if not self.folder.exists():
            return self.shipped
        shutil.copytree(CONFIGS / "system", self.folder / "system", dirs_exist_ok=True)
        return Catalog.load(self.folder)

    def endpoint(self, name: str) -> Endpoint:
        """Lead to the provider on loopback, as GCP_API_BASE_URL and GCP_TOKEN_URL would."""
        found = self.shipped.endpoint(name)
        auth = evolve(found.auth, token_url=f"{self.origin}/token")
        return evolve(found, auth=auth, apis=evolve(found.apis, stand_in=self.origin))

    async def run(self, path: str = "gcp/test/things", **parameters: Any) -> StepResult:
        """Do the step as the runner would."""
        catalog = self.catalog()
        pipeline = catalog.pipelines[path]
        step = pipeline.steps[0]
        window = DateWindow(DAY, DAY)
        given = {one.name: one.default for one in pipeline.parameters if one.default is not None} | parameters
        variables = run_variables(
            pipeline, org="acme", run_id=UUID(int=1), run_date=DAY, window=window, parameters=given
        )
        async with self.reader.open(self.wiring()) as reading:
            ctx = StepContext(
                org="acme",
                run_id=UUID(int=1),
                run_date=DAY,
                window=window,
                step=step,
                variables=variables,
                schemas=catalog.schemas,
                reading=reading,
                endpoint=self.endpoint,
                **self._parts(),
            )
            return await catalog.engine(step.ps_type).execute(catalog.config(step, variables), ctx)

    def _parts(self) -> dict[str, Any]:
        async def message(text: str) -> None:
            self.messages.append(text)

        async def progress(_: Progress) -> None:
            return

        anything: Any = self
        return {
            "warehouse": self.warehouse,
            "secret": self._secret,
            "vault": anything,
            "checkpoint": anything,
            "bookmark": anything,
            "warehouse_as": anything,
            "notify": anything,
            "progress": progress,
            "message": message,
            "log": get_logger(),
            "clock": self.clock,
        }

    async def _secret(self, _name: str, _secret_key: str = "") -> Secret:
        return Secret(self.secret)

    def wiring(self) -> Wiring:
        async def take(*_: Any) -> float:
            return 0.0

        async def receipt(*_: Any) -> None:
            return

        return Wiring(self._secret, take, receipt, "acme")

    @property
    def publication(self) -> Publication:
        """The one thing that was published."""
        [found] = self.warehouse.published
        return found

    def columns(self, *names: str) -> list[tuple[Any, ...]]:
        rows: list[Row] = [row for publication in self.warehouse.published for row in publication.rows]
        return [tuple(row.get(name) for name in names) for row in rows]

    def asked(self, path: str) -> list[dict[str, str]]:
        """The queries that came to a path."""
        return [heard.query for heard in self.provider.heard if heard.path == path]


@pytest.fixture
async def provider() -> AsyncIterator[HostileProvider]:
    async with HostileProvider() as provider:
        provider.script("/token", hostile.text('{"access_token": "t", "expires_in": 3600}'))
        yield provider


@pytest.fixture
async def bench(
    provider: HostileProvider, keys: KeyPair, tmp_path: Path, real_catalog: Catalog
) -> AsyncIterator[Bench]:
    key_file = {
        "type": "service_account",
        "project_id": "acme-prod",
        "private_key": keys.private,
        "client_email": "reader@acme-prod.iam.gserviceaccount.com",
    }
    clock = FakeClock()
    reader = RestReader(Egress.parse(f"127.0.0.1:{provider.port}"), clock, lambda: 0.5)
    yield Bench(real_catalog, tmp_path / "configs", provider, reader, json.dumps(key_file), provider.url, clock=clock)
    reader.close()
