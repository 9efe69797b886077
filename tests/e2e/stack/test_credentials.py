"""A credential handed in sealed, used, rejected and proved again, through the edge and the platform's own table."""

from __future__ import annotations

import base64
from decimal import Decimal

import pytest

from tests.fakes.org_client import Json, step_of
from tests.plugins.sandbox import CENTRAL, Running
from workers.adapters.kms import LocalKms
from workers.model.secret import HANDED_IN, bound_data

STORE, VALIDATE = "integrations/credentials/store", "integrations/credentials/validate"
SUBSCRIPTIONS = "openai/-/subscriptions"


async def sealed(sandbox: Running) -> str:
    """Seal the provider's key as an operator would who may use the service's KMS key."""
    keys = LocalKms(sandbox.stack.options.data_dir / "kms.key")
    bound = bound_data("keeper", "OPENAI", "", HANDED_IN)
    return base64.b64encode(await keys.encrypt(sandbox.stack.secrets.openai_key.encode(), bound)).decode()


async def active(sandbox: Running) -> Json:
    """Return the one row of the provider that is active."""
    of = "org_slug = 'keeper' AND provider = 'OPENAI' AND is_active"
    (row,) = await sandbox.query(f"SELECT * FROM {CENTRAL}.org_integration_credentials WHERE {of}")
    return row


async def test_a_credential_handed_in_sealed_takes_the_place_of_the_stored_one(sandbox: Running) -> None:
    former, keeper = await active(sandbox), sandbox.org("keeper")
    run = await keeper.done(STORE, credential="OPENAI", sealed=await sealed(sandbox))
    assert run["status"] == "COMPLETED", run
    stored = await active(sandbox)
    assert stored["credential_id"] == step_of(run, "load_credential")["output"]["credential_id"]
    assert stored["credential_id"] != former["credential_id"]
    assert (stored["validation_status"], stored["credential_name"]) == ("VALID", former["credential_name"])
    assert sandbox.stack.secrets.openai_key not in str(run)

    run = await keeper.done(SUBSCRIPTIONS)
    assert run["status"] == "COMPLETED", run
    (row,) = await sandbox.query("SELECT * FROM keeper_local.openai_subscriptions_monthly")
    assert (row["plan_id"], row["hard_limit_usd"], row["unavailable_reason"]) == ("payg", Decimal("100.00002"), None)
    assert row["run_id"] == run["run_id"]


@pytest.mark.fault("F46")
async def test_a_rejection_stands_on_the_credential_and_disables_nothing(sandbox: Running) -> None:
    keeper = sandbox.org("keeper")
    await sandbox.faults({"kind": "status", "status": 401, "endpoint": "completions"})
    run = await keeper.done(VALIDATE, credential="OPENAI")
    assert (run["status"], run["error"]["reason"]) == ("FAILED", "CREDENTIAL_INVALID")
    assert run["error"]["message"].startswith("the OPENAI credential is INVALID: the provider answered 401")
    row = await active(sandbox)
    assert (row["validation_status"], row["last_error"] in run["error"]["message"]) == ("INVALID", True)
    await sandbox.faults()
    run = await keeper.done(VALIDATE, credential="OPENAI")
    assert run["status"] == "COMPLETED", run
    row = await active(sandbox)
    assert (row["validation_status"], row["last_error"]) == ("VALID", None)
