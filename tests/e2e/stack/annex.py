"""A second service beside the stack's, with what cannot be changed there: its own configs, provider, BigQuery that
bills, journal and collector of traces. It shares only the Postgres server, the emulator and the platform's tables.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import frozen
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc, run_pb2
from google.protobuf.struct_pb2 import Struct

import server
from sandbox.parts import free_port
from sandbox.service import Service
from tests.fakes.bigquery_proxy import BigQueryProxy
from tests.fakes.fixture_provider import MODEL, FixtureProvider
from tests.fakes.mail_server import MailServer
from tests.fakes.otlp import Collector
from tests.plugins.sandbox import Running

ROOT = Path(server.__file__).parents[1]
BILLED = 10_485_760
RUNS_PER_MINUTE = 4
OUTAGE, LIMITED, FINE = "2025-09-01", "2025-09-02", "2025-09-03"
ALONE = "lone/usage/alone"
# Nothing beside it speaks to the provider, so that nothing else moves the breaker.
ALONE_DECLARED = """\
name: Usage alone
integration_required: [OPENAI]
steps:
  - {step_id: extract_usage, ps_type: openai.usage}
"""
OPENING = "told/smoke/open"
OPENED = """
parameters: {of: {type: enum, values: [OPENAI, SLACK], default: OPENAI}}
steps:
  - {step_id: decrypt_it, ps_type: integrations.kms_decrypt, config: {provider: "{of}"}}
  - step_id: notify_all
    ps_type: notify_systems.email_notification
    trigger: on_failure
    config: {to: [boss@told.example], subject: "{org_slug} {{reason}}"}
"""
MAILED = """
email:
  enabled: true
  to: [ops@told.example]
  events: [pipeline_failure]
  smtp: {host: localhost, port: PORT, tls: none, from_address: dp@service.example}
"""
OWN_PRICES = f"""provider,model_id,meter,variant,price_usd,per,effective_date
openai,{MODEL},input,standard,1,1,2020-01-01
openai,{MODEL},output,standard,0.5,1,2020-01-01
openai,{MODEL},audio_input,standard,2,1,2020-01-01
openai,{MODEL},cached_audio_input,standard,0,1,2020-01-01
openai,{MODEL},audio_output,standard,4,1,2020-01-01
"""


@frozen
class Annex:
    """The second service, spoken to by native gRPC."""

    service: pipelines_pb2_grpc.PipelineServiceStub
    keys: dict[str, str]
    provider: FixtureProvider
    proxy: BigQueryProxy
    collector: Collector
    mail: MailServer
    folder: Path
    journal_url: str

    async def start(self, org: str, pipeline: str, traceparent: str = "", **parameters: Any) -> str:
        """Start a run and return its id."""
        provider, domain, name = pipeline.split("/")
        asked = pipelines_pb2.RunPipelineRequest(org=org, provider=provider, domain=domain, pipeline=name)
        given = Struct()
        given.update(parameters)
        asked.parameters.CopyFrom(given)
        traced = (("traceparent", traceparent),) if traceparent else ()
        receipt = await self.service.RunPipeline(asked, metadata=(*self._key(org), *traced))
        return str(receipt.run_id)

    async def ended(self, org: str, run_id: str) -> run_pb2.Run:
        """Wait for a run's end and return it."""
        events = self.service.WatchRun(pipelines_pb2.WatchRunRequest(run_id=run_id), metadata=self._key(org))
        async for event in events:
            assert event.type
        asked = pipelines_pb2.GetRunRequest(run_id=run_id)
        run: run_pb2.Run = await self.service.GetRun(asked, metadata=self._key(org))
        return run

    def _key(self, org: str) -> tuple[tuple[str, str], ...]:
        return (("x-api-key", self.keys[org]),)


@asynccontextmanager
async def opened(stack: Running, folder: Path) -> AsyncIterator[Annex]:
    """Build and start it."""
    kept = stack.stack.secrets
    await stack.journal.execute("CREATE DATABASE annex")
    async with (
        MailServer() as mail,
        Collector() as collector,
        FixtureProvider(kept.openai_key, {OUTAGE: 500, LIMITED: 429}) as provider,
        BigQueryProxy(stack.stack.environment["BIGQUERY_EMULATOR_HOST"]) as proxy,
    ):
        proxy.bytes_billed = BILLED
        _lay_out(stack, folder, mail.port)
        grpc_port = free_port()
        changed = {
            "PYTHONPATH": str(folder),
            "PYTHONSAFEPATH": "1",
            "DATA_DIR": str(folder / "data"),
            "JOURNAL_URL": stack.stack.environment["JOURNAL_URL"].rpartition("/")[0] + "/annex",
            "BIGQUERY_EMULATOR_HOST": proxy.url,
            "OPENAI_BASE_URL": provider.base_url,
            "EGRESS_ALLOW": f"{provider.base_url.removeprefix('http://').removesuffix('/v1')},localhost:{mail.port}",
            "NOTIFY_SECONDS": "0.2",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "RATE_LIMIT_RUNS_PER_MINUTE": str(RUNS_PER_MINUTE),
            "GRPC_PORT": str(grpc_port),
            "METRICS_PORT": str(free_port()),
        }
        replica = Service(stack.stack.environment | changed, folder / "service.log")
        await replica.start()
        async with stack.answers.channel(f"127.0.0.1:{grpc_port}") as channel:
            stub = pipelines_pb2_grpc.PipelineServiceStub(channel)
            yield Annex(stub, kept.api_keys, provider, proxy, collector, mail, folder, changed["JOURNAL_URL"])
        await replica.stop()


def _lay_out(stack: Running, folder: Path, mail_port: int) -> None:
    """Make a tree of the same code with configs of its own, and a data directory with the same key file."""
    for part in ("server", "workers"):
        (folder / part).symlink_to(ROOT / part)
    shutil.copytree(ROOT / "configs", folder / "configs")
    (folder / "configs" / "orgs" / "priced").mkdir(parents=True)
    (folder / "configs" / "orgs" / "priced" / "prices.csv").write_text(OWN_PRICES)
    own = {f"{ALONE}.yml": ALONE_DECLARED, f"{OPENING}.yml": OPENED, "orgs/told/notifications.yml": MAILED}
    for path, text in own.items():
        (folder / "configs" / path).parent.mkdir(parents=True)
        (folder / "configs" / path).write_text(text.replace("PORT", str(mail_port)))
    (folder / "data").mkdir()
    shutil.copy(stack.stack.options.data_dir / "kms.key", folder / "data" / "kms.key")
