"""Puts organisations into the platform's tables, as its api-service would: profile, key, subscription, credential."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import frozen
from google.cloud import bigquery
from google.cloud.exceptions import NotFound

from sandbox.bigquery.connect import PROJECT, connect
from sandbox.billing.seed import declared, seed_billing
from sandbox.plans import ORG, seed_plans
from sandbox.providers import PROVIDERS, Provider
from sandbox.secrets import SandboxSecrets
from workers.adapters.kms import LocalKms
from workers.model.secret import bound_data

CENTRAL = "organizations"
GOOGLE = "GCP_SA"
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

Row = Mapping[str, Any]


@frozen
class Seeding:
    """Seeds one emulator; credentials are sealed with the key file that the service opens them with."""

    rest: str
    key_file: Path
    secrets: SandboxSecrets

    async def seed(self) -> None:
        """Create what is missing; what is there stays, but for a credential whose key has changed."""
        credentials = [await self._credential(org, one) for one in PROVIDERS for org in self.secrets.api_keys]
        await asyncio.to_thread(self._write, credentials)

    async def _credential(self, org: str, provider: Provider) -> Row:
        key, now = self.secrets.provider_keys[provider.slug], datetime.now(UTC).isoformat()
        credential_id = f"cred_{org}_{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        bound = bound_data(org, provider.slug, credential_id)
        sealed = await LocalKms(self.key_file).encrypt(key.encode(), bound)
        return {
            "credential_id": credential_id,
            "org_slug": org,
            "provider": provider.slug,
            "credential_name": provider.credential_name,
            "encrypted_credential": base64.b64encode(sealed).decode(),
            "credential_type": provider.credential_type,
            "validation_status": "VALID",
            "metadata": declared(key) if (org, provider.slug) == (ORG, GOOGLE) else None,
            "is_active": True,
            "created_at": now,
            "updated_at": now,
        }

    def _write(self, credentials: Sequence[Row]) -> None:
        client = connect(self.rest)
        try:
            for dataset in (CENTRAL, *(f"{org}_local" for org in self.secrets.api_keys)):
                client.create_dataset(f"{PROJECT}.{dataset}", exists_ok=True)
            for table in TABLES:
                _ensure(client, table)
            known = {row["org_slug"] for row in client.list_rows(f"{PROJECT}.{CENTRAL}.org_profiles")}
            enrol(client, {org: key for org, key in self.secrets.api_keys.items() if org not in known})
            _renew(client, credentials)
            if ORG in self.secrets.api_keys:
                seed_plans(client)
                seed_billing(client, self.secrets.provider_keys[GOOGLE], datetime.now(UTC).date())
        finally:
            client.close()


def enrol(client: bigquery.Client, api_keys: Mapping[str, str]) -> None:
    """Put organisations that are new into the platform's tables, each with its key."""
    for table, rows in _rows(api_keys).items():
        _load(client, table, rows)


def _rows(api_keys: Mapping[str, str]) -> dict[str, list[Row]]:
    now = datetime.now(UTC).isoformat()
    profiles: list[Row] = []
    keys: list[Row] = []
    subscriptions: list[Row] = []
    for org, key in api_keys.items():
        fixed = {"org_slug": org, "created_at": now}
        profile = {
            "company_name": org.title(),
            "admin_email": f"admin@{org}.example",
            "org_dataset_id": f"{org}_local",
        }
        profiles.append({**fixed, **profile, "status": "ACTIVE", "updated_at": now})
        digest = hashlib.sha256(key.encode()).hexdigest()
        keys.append({**fixed, "org_api_key_id": f"key_{org}", "org_api_key_hash": digest, "is_active": True})
        limits = {"daily_limit": 999_999, "monthly_limit": 999_999, "concurrent_limit": 20}
        plan = {"subscription_id": f"sub_{org}", "plan_name": "ENTERPRISE", "status": "ACTIVE"}
        subscriptions.append({**fixed, **plan, **limits, "updated_at": now})
    return {"org_profiles": profiles, "org_api_keys": keys, "org_subscriptions": subscriptions}


def _renew(client: bigquery.Client, credentials: Sequence[Row]) -> None:
    """Put credentials that are not there in place of what an organisation has for their provider."""
    table = f"{PROJECT}.{CENTRAL}.org_integration_credentials"
    kept = {row["credential_id"] for row in client.list_rows(table)}
    missing = [credential for credential in credentials if credential["credential_id"] not in kept]
    if not missing:
        return
    replaced = [f"{credential['org_slug']} {credential['provider']}" for credential in missing]
    config = bigquery.QueryJobConfig(query_parameters=[bigquery.ArrayQueryParameter("replaced", "STRING", replaced)])
    # Table names are constants of this module.
    sql = f"DELETE FROM `{table}` WHERE CONCAT(org_slug, ' ', provider) IN UNNEST(@replaced)"  # noqa: S608
    client.query(sql, job_config=config).result()
    _load(client, "org_integration_credentials", missing)


def _ensure(client: bigquery.Client, name: str) -> None:
    said = json.loads((SCHEMAS / f"{name}.json").read_text())
    path = f"{PROJECT}.{CENTRAL}.{name}"
    try:
        client.get_table(path)
    except NotFound:
        columns = [bigquery.SchemaField(c["name"], c["type"], c["mode"]) for c in said["columns"]]
        table = bigquery.Table(path, schema=columns)
        if said["partition"]:
            table.time_partitioning = bigquery.TimePartitioning(field=said["partition"]["field"])
        table.clustering_fields = said["clustering"] or None
        client.create_table(table)


def _load(client: bigquery.Client, table: str, rows: list[Row]) -> None:
    if rows:
        config = bigquery.LoadJobConfig(write_disposition="WRITE_APPEND")
        client.load_table_from_json(
            [dict(row) for row in rows], f"{PROJECT}.{CENTRAL}.{table}", job_config=config
        ).result()
