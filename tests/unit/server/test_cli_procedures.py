"""`pipelines procedures` against a gRPC server: what it sends, what it prints, and the exit status it ends with."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import grpc
import pytest
from click.testing import CliRunner, Result
from datapipeline.v1 import procedures_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from server.cli import main
from tests.fakes.echo_service import EchoService, Refusal

GOOD = procedures_pb2.ProcedureOutcome(name="sp_a", domain="saas", outcome="updated")
BAD = procedures_pb2.ProcedureOutcome(
    name="sp_b", domain="saas", outcome="failed", reason="WAREHOUSE_REJECTED", message="refused at 7:1"
)
STANDING = procedures_pb2.Procedure(
    name="sp_a", domain="saas", in_sync=True, content_sha256="ab" * 32, definition="BEGIN\n  SELECT 1;\nEND",
    arguments=[procedures_pb2.ProcedureArgument(name="p_n", type="INT64")], updated_at=Timestamp(seconds=1_700_000_000),
)  # fmt: skip


async def cli(echo: EchoService, *words: str) -> Result:
    """Run the command line in a thread: the server lives on this loop."""
    env = {"PIPELINES_ENDPOINT": echo.target, "PIPELINES_API_KEY": "acme_key", "PIPELINES_ROOT_KEY": "root_key"}
    async with asyncio.timeout(20):
        return await asyncio.to_thread(CliRunner(env=env).invoke, main, ["procedures", *words])


async def test_a_sync_sends_the_root_key_and_what_was_chosen(echo: EchoService) -> None:
    echo.answers["SyncProcedures"] = procedures_pb2.SyncProceduresResponse(outcomes=[GOOD], updated=1)
    result = await cli(echo, "sync", "sp_a", "--domain", "saas", "--force")
    assert (result.exit_code, result.stdout.split()[-3:]) == (0, ["sp_a", "saas", "updated"])
    assert echo.last.request == {"procedures": ["sp_a"], "domain": "saas", "force": True}
    assert echo.last.values("x-ca-root-key") == ["root_key"]
    assert echo.last.values("x-api-key") == []


@pytest.mark.parametrize("words", [(), ("--json",)])
async def test_a_sync_that_fails_in_part_says_so_and_ends_with_1(echo: EchoService, words: tuple[str, ...]) -> None:
    echo.answers["SyncProcedures"] = procedures_pb2.SyncProceduresResponse(outcomes=[GOOD, BAD], updated=1, failed=1)
    result = await cli(echo, "sync", *words)
    assert result.exit_code == 1
    assert "updated" in result.stdout
    assert "refused at 7:1" in result.stdout


async def test_what_stands_and_what_there_is_are_listed(echo: EchoService) -> None:
    older = procedures_pb2.Procedure(name="sp_old")
    echo.answers["ListProcedures"] = procedures_pb2.ListProceduresResponse(procedures=[STANDING, older])
    listed = (await cli(echo, "list")).stdout
    assert "in sync" in listed
    assert "without a file" in listed
    file = procedures_pb2.ProcedureFile(name="sp_a", domain="saas", calls=["sp_b"], arguments=STANDING.arguments)
    echo.answers["ListProcedureFiles"] = procedures_pb2.ListProcedureFilesResponse(files=[file])
    assert "p_n INT64" in (await cli(echo, "files")).stdout


async def test_one_is_shown_written_and_deleted(echo: EchoService) -> None:
    echo.answers["GetProcedure"] = echo.answers["PutProcedure"] = STANDING
    shown = (await cli(echo, "show", "sp_a")).stdout
    assert shown.splitlines()[0] == "sp_a(p_n INT64)  in sync  2023-11-14 22:13:20Z"
    assert "  SELECT 1;" in shown.splitlines()
    told: dict[str, Any] = json.loads((await cli(echo, "show", "sp_a", "--json")).stdout)
    assert told["definition"] == STANDING.definition
    assert (await cli(echo, "put", "sp_a")).stdout.startswith("sp_a(p_n INT64)  in sync")
    assert (await cli(echo, "delete", "sp_a")).stdout == "sp_a  deleted\n"
    assert [call.request for call in echo.calls] == [{"name": "sp_a"}] * 4


async def test_a_refusal_comes_with_its_remedy(echo: EchoService) -> None:
    echo.answers["GetProcedure"] = Refusal(grpc.StatusCode.NOT_FOUND, "PROCEDURE_NOT_FOUND")
    result = await cli(echo, "show", "sp_none")
    assert result.exit_code == 2
    assert "procedures files" in result.stderr
