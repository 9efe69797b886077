from __future__ import annotations

import pytest
from aiohttp import ClientResponse

from tests.fakes.openai_caller import KEY, Caller, Start

PATHS = {"organization": "/v1/organization", "subscription": "/v1/dashboard/billing/subscription"}


async def ask(caller: Caller, name: str, key: str = KEY) -> ClientResponse:
    return await caller.client.get(PATHS[name], headers={"Authorization": f"Bearer {key}"})


@pytest.mark.parametrize(("name", "member"), [("organization", "is_default"), ("subscription", "hard_limit_usd")])
async def test_the_account_is_told_to_who_holds_its_key(caller: Caller, name: str, member: str) -> None:
    answer = await ask(caller, name)
    assert (answer.status, member in await answer.json()) == (200, True)
    assert (await ask(caller, name, "sk-admin-other")).status == 401


async def test_a_rule_hits_the_endpoint_it_names(start: Start) -> None:
    caller = await start(faults=[{"kind": "status", "status": 404, "endpoint": "subscription", "times": None}])
    assert [(await ask(caller, name)).status for name in PATHS] == [200, 404]
