"""Puts organisations into the platform's tables, as its api-service would: profile, key, subscription, credential."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import frozen
from google.cloud import bigquery
from google.cloud.exceptions import NotFound

from sandbox.bigquery.connect import PROJECT, connect
from sandbox.plans import ORG, seed_plans
from sandbox.secrets import SandboxSecrets
from workers.adapters.kms import LocalKms
from workers.model.secret import bound_data

CENTRAL = "organizations"
SCHEMAS = Path(__file__).parent.parent / "configs" / "system" / "schemas"
TABLES = (
    "org_profiles",
    "org_api_keys",
    "org_subscriptions",
    "org_usage_quotas",
    "org_integration_credentials",
    "org_pipeline_configs",
    "org_scheduled_pipeline_runs",
    "org_pipeline_execution_queue",
)
PROVIDER = "OPENAI"

Row = Mapping[str, Any]


@frozen
class Seeding:
    """Seeds one emulator; the credential is sealed with the key file that the service opens it with."""

    rest: str
    key_file: Path
    secrets: SandboxSecrets

    async def seed(self) -> None:
        """Create what is missing; what is there stays, but for a credential whose key has changed."""
        sealed = {org: await self._sealed(org) for org in self.secrets.api_keys}
        await asyncio.to_thread(self._write, sealed)

    async def _sealed(self, org: str) -> bytes:
        bound = bound_data(org, PROVIDER, _credential_id(org, self.secrets.openai_key))
        return await LocalKms(self.key_file).encrypt(self.secrets.openai_key.encode(), bound)

    def _write(self, sealed: Mapping[str, bytes]) -> None:
        client = connect(self.rest)
        try:
            for dataset in (CENTRAL, *(f"{org}_local" for org in sealed)):
                client.create_dataset(f"{PROJECT}.{dataset}", exists_ok=True)
            for table in TABLES:
                _ensure(client, table)
            known = {row["org_slug"] for row in client.list_rows(f"{PROJECT}.{CENTRAL}.org_profiles")}
            new = [org for org in sealed if org not in known]
            for table, rows in self._rows(new).items():
                _load(client, table, rows)
            self._credentials(client, sealed)
            if ORG in sealed:
                seed_plans(client)
        finally:
            client.close()

    def _rows(self, orgs: Iterable[str]) -> dict[str, list[Row]]:
        now = datetime.now(UTC).isoformat()
        profiles: list[Row] = []
        keys: list[Row] = []
        subscriptions: list[Row] = []
        for org in orgs:
            fixed = {"org_slug": org, "created_at": now}
            profile = {
                "company_name": org.title(),
                "admin_email": f"admin@{org}.example",
                "org_dataset_id": f"{org}_local",
            }
            profiles.append({**fixed, **profile, "status": "ACTIVE", "updated_at": now})
            digest = hashlib.sha256(self.secrets.api_keys[org].encode()).hexdigest()
            keys.append({**fixed, "org_api_key_id": f"key_{org}", "org_api_key_hash": digest, "is_active": True})
            limits = {"daily_limit": 999_999, "monthly_limit": 999_999, "concurrent_limit": 20}
            plan = {"subscription_id": f"sub_{org}", "plan_name": "ENTERPRISE", "status": "ACTIVE"}
            subscriptions.append({**fixed, **plan, **limits, "updated_at": now})
        return {"org_profiles": profiles, "org_api_keys": keys, "org_subscriptions": subscriptions}

    def _credentials(self, client: bigquery.Client, sealed: Mapping[str, bytes]) -> None:
        table = f"{PROJECT}.{CENTRAL}.org_integration_credentials"
        kept = {row["credential_id"] for row in client.list_rows(table)}
        wanted = {org: _credential_id(org, self.secrets.openai_key) for org in sealed}
        missing = {org: credential for org, credential in wanted.items() if credential not in kept}
        if not missing:
            return
        orgs = bigquery.ArrayQueryParameter("orgs", "STRING", list(missing))
        config = bigquery.QueryJobConfig(query_parameters=[orgs])
        # Table names are constants of this module.
        client.query(f"DELETE FROM `{table}` WHERE org_slug IN UNNEST(@orgs)", job_config=config).result()  # noqa: S608
        _load(client, "org_integration_credentials", [_credential(org, missing[org], sealed[org]) for org in missing])


def _credential_id(org: str, key: str) -> str:
    return f"cred_{org}_{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def _credential(org: str, credential_id: str, sealed: bytes) -> Row:
    now = datetime.now(UTC).isoformat()
    return {
        "credential_id": credential_id,
        "org_slug": org,
        "provider": PROVIDER,
        "credential_name": "OpenAI admin key",
        "encrypted_credential": base64.b64encode(sealed).decode(),
        "credential_type": "API_KEY",
        "validation_status": "VALID",
        "is_active": True,
        "created_at": now,
        "updated_at": now,
    }


def _ensure(client: bigquery.Client, name: str) -> None:
    declared = json.loads((SCHEMAS / f"{name}.json").read_text())
    path = f"{PROJECT}.{CENTRAL}.{name}"
    try:
        client.get_table(path)
    except NotFound:
        columns = [bigquery.SchemaField(c["name"], c["type"], c["mode"]) for c in declared["columns"]]
        table = bigquery.Table(path, schema=columns)
        if declared["partition"]:
            table.time_partitioning = bigquery.TimePartitioning(field=declared["partition"]["field"])
        table.clustering_fields = declared["clustering"] or None
        client.create_table(table)


def _load(client: bigquery.Client, table: str, rows: list[Row]) -> None:
    if rows:
        config = bigquery.LoadJobConfig(write_disposition="WRITE_APPEND")
        client.load_table_from_json(
            [dict(row) for row in rows], f"{PROJECT}.{CENTRAL}.{table}", job_config=config
        ).result()
