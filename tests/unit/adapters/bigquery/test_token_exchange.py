"""The client's own exchange of a key file, at the simulated token endpoint, which verifies what is signed by hand."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator

import pytest
import requests
from aiohttp.test_utils import TestServer
from google.auth.transport.requests import Request

from sandbox.faults import Faults
from sandbox.google.account import Account, new_key_file
from sandbox.google.app import Service
from sandbox.google.estate import Estate
from sandbox.google.oauth import TokenDesk
from server.clock import SystemClock
from workers.adapters.bigquery.calls import Calls
from workers.adapters.bigquery.keyfile import identity
from workers.adapters.bigquery.source_errors import source_errors
from workers.model.failure import FailedError, Reason
from workers.model.secret import Secret
from workers.ports import Access

KEY_FILE = new_key_file(1024)
STRANGER = json.dumps({**json.loads(KEY_FILE), "private_key": json.loads(new_key_file(1024))["private_key"]})


@pytest.fixture
async def token_url() -> AsyncIterator[str]:
    account = Account(KEY_FILE)
    service = Service(Estate(1), account, TokenDesk(account, time.time), Faults())
    async with TestServer(service.application()) as server:
        yield f"http://127.0.0.1:{server.port}/token"


async def exchanged(key_file: str, token_url: str) -> str:
    """Ask for a token as a call of the client does; what goes wrong is the provider's failure."""
    credentials = identity(Secret(key_file), Access("GCP_SA", token_url=token_url), anonymous=False).credentials
    calls = Calls(1, SystemClock(), lambda: 0.01)
    try:
        with requests.Session() as session, source_errors("look at a table", "GCP_SA"):
            await calls.again(lambda: credentials.refresh(Request(session)))
    finally:
        calls.close()
    return str(credentials.token)


async def test_a_key_file_becomes_a_token(token_url: str) -> None:
    assert (await exchanged(KEY_FILE, token_url)).startswith("ya29.")


async def test_a_key_that_is_not_the_accounts_is_the_credentials_fault(token_url: str) -> None:
    with pytest.raises(FailedError, match="the credential is not exchanged for a token") as raised:
        await exchanged(STRANGER, token_url)
    failure = raised.value.failure
    assert (failure.reason, failure.retryable) == (Reason.PROVIDER_AUTH, False)
    assert failure.metadata == {"provider": "GCP_SA", "status": "401"}


async def test_a_token_endpoint_that_is_away_is_tried_again_later() -> None:
    with pytest.raises(FailedError, match="BigQuery does not answer") as raised:
        await exchanged(KEY_FILE, "http://127.0.0.1:9/token")
    assert raised.value.failure.retryable
