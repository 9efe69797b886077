"""Readers that come between the statements of a publication see one complete version, and only thanks to BEGIN."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from pathlib import Path

import pytest

from sandbox.bigquery.connect import connect
from sandbox.bigquery.launch import Emulator
from tests.plugins.warehouse_desk import FIRST, SECOND, Desk, declared, facts, open_desk, scripts

pytestmark = pytest.mark.engine

CREDENTIALS = declared("configs/system/schemas/org_integration_credentials.json")

DATASET = "watched_local"
OLD = {(FIRST, "completions"): 30, (SECOND, "completions"): 20}
NEW = {(FIRST, "completions"): 40, (SECOND, "completions"): 10}
_READERS = 3  # a query is several requests, and one comes in between two statements
Seen = list[dict[tuple[date, str], int]]


@pytest.fixture(scope="module", autouse=True)
async def dataset_to_watch(admitting: Emulator) -> None:
    with connect(admitting.rest) as client:
        await asyncio.to_thread(client.create_dataset, DATASET)


def with_pauses() -> dict[str, str]:
    """The scripts, with time for readers between the DELETE and the INSERT."""
    texts = scripts()
    insert = "INSERT INTO {target}"
    assert insert in texts["publication"]
    return texts | {"publication": texts["publication"].replace(insert, "SELECT 1 AS pause;\n" * 4 + insert)}


def without_transaction() -> dict[str, str]:
    texts = with_pauses()
    return texts | {"promote": re.sub(r"(BEGIN|COMMIT) TRANSACTION;", "", texts["promote"])}


async def read_until(desk: Desk, published: asyncio.Event) -> Seen:
    seen: Seen = []
    while not published.is_set():
        seen.append(await desk.counts())
    return seen


async def watch(desk: Desk, run_seq: int) -> Seen:
    """What readers see from one complete version to the next."""
    await desk.later([*facts(FIRST, 30), *facts(SECOND, 20)], run_seq)
    published = asyncio.Event()
    reading = [asyncio.create_task(read_until(desk, published)) for _ in range(_READERS)]
    await desk.later([*facts(FIRST, 40), *facts(SECOND, 10)], run_seq + 1)
    published.set()
    return [version for seen in await asyncio.gather(*reading) for version in seen]


@pytest.mark.promise("P10")
@pytest.mark.fault("F54")
async def test_a_reader_sees_the_old_version_or_the_new_one(admitting: Emulator, tmp_path: Path) -> None:
    async with open_desk(admitting.rest, DATASET, tmp_path, sql=with_pauses()) as desk:
        seen = await watch(desk, 1)
    assert OLD in seen
    assert all(version in (OLD, NEW) for version in seen)


@pytest.mark.fault("F54")
async def test_without_the_transaction_a_reader_sees_a_torn_version(admitting: Emulator, tmp_path: Path) -> None:
    async with open_desk(admitting.rest, DATASET, tmp_path, sql=without_transaction()) as desk:
        for turn in range(5):  # a busy machine may take every reader past the gap
            seen = await watch(desk, 3 + 2 * turn)
            if any(version not in (OLD, NEW) for version in seen):
                return
    raise AssertionError("no reader came between the statements")


def storing(*, atomic: bool) -> str:
    """The script that replaces a credential, with time for readers between the INSERT and the UPDATE."""
    text = Path("configs/system/sql/credential_store.sql").read_text()
    text = text.replace("  UPDATE {central}", "SELECT 1 AS pause;\n" * 6 + "  UPDATE {central}")
    return text if atomic else re.sub(r"(BEGIN|COMMIT) TRANSACTION;", "", text)


async def active_while_storing(desk: Desk, script: str) -> list[int]:
    """How many credentials of a provider readers see while one takes another's place."""
    central = desk.warehouses.central()
    await central.ensure(CREDENTIALS)
    stored = {"org_slug": "acme", "provider": "OPENAI", "providers": ["OPENAI"], "encrypted_credential": b"sealed"}
    plain = stored | {"credential_name": "", "credential_type": "", "validation_status": "PENDING"}
    await central.execute(script, plain | {"credential_id": "former"})
    count = f"SELECT COUNT(*) AS n FROM {{central}}.{CREDENTIALS.name} WHERE is_active"
    seen: list[int] = []
    replaced = asyncio.Event()

    async def look() -> None:
        while not replaced.is_set():
            seen.append((await central.query(count, {})).rows[0]["n"])

    looking = asyncio.create_task(look())
    await central.execute(script, plain | {"credential_id": "new"})
    replaced.set()
    await looking
    return seen


@pytest.mark.parametrize("atomic", [True, False])
async def test_a_reader_never_sees_none_or_two_credentials_thanks_to_the_transaction(
    admitting: Emulator, tmp_path: Path, *, atomic: bool
) -> None:
    dataset = f"stored_{atomic}".lower()
    with connect(admitting.rest) as client:
        await asyncio.to_thread(client.create_dataset, dataset)
    async with open_desk(admitting.rest, dataset, tmp_path) as desk:
        seen = await active_while_storing(desk, storing(atomic=atomic))
    assert (set(seen) == {1}) is atomic
