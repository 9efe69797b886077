"""`pipelines test-read`: rows of a declared step, and nothing written anywhere. `pipelines validate`: all faults."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from tests.fakes.hostile_provider import HostileProvider, answer, rows, text

EXAMPLE = Path("tests/fixtures/configs/vendor/users_extract.yml").read_text()
CHILDREN = """\
steps:
  - step_id: extract_members
    ps_type: generic.api_extractor
    config:
      url: "{url}/v1/groups/:group/members"
      data_path: data
      parent: {url: "{url}/v1/groups", data_path: data, fields: {group: id}}
      destination: {table: vendor_members_raw}
"""
Try = Callable[..., Coroutine[Any, Any, Result]]


@pytest.fixture
async def provider() -> AsyncIterator[HostileProvider]:
    async with HostileProvider() as provider:
        yield provider


@pytest.fixture
def configs(tmp_path: Path, provider: HostileProvider) -> Path:
    shutil.copytree("configs/system", tmp_path / "configs" / "system")
    (tmp_path / "configs" / "vendor").mkdir()
    (tmp_path / "configs/vendor/users.yml").write_text(EXAMPLE.replace("https://api.vendor.com", provider.url))
    (tmp_path / "configs/vendor/members.yml").write_text(CHILDREN.replace("{url}", provider.url))
    return tmp_path / "configs"


@pytest.fixture
def attempt(configs: Path, provider: HostileProvider) -> Try:
    async def run(*words: str, **env: str) -> Result:
        allow = f"127.0.0.1:{provider.port}"
        words = ("test-read", *words, "--configs", str(configs), "--allow", allow)
        runner = CliRunner(env={"PIPELINES_CREDENTIAL": "canary-key", **env})
        async with asyncio.timeout(20):
            return await asyncio.to_thread(runner.invoke, main, list(words))

    return run


def only_file(folder: Path, pattern: str) -> Path:
    [found] = folder.glob(pattern)
    return found


async def test_rows_are_shown_with_what_the_next_page_would_be(attempt: Try, provider: HostileProvider) -> None:
    page = rows({"id": 1, "name": "Ada"}, {"id": 2, "name": "Ben"}, meta={"next_cursor": "c2"})
    provider.script("/v1/users", page)
    result = await attempt("vendor/users", "--rows", "2")
    assert (result.exit_code, len(provider.heard)) == (0, 1)
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"id": 1, "name": "Ada"},
        {"id": 2, "name": "Ben"},
    ]
    assert "2 rows of 1 pages" in result.stderr
    assert "columns they would make: id INT64, name STRING" in result.stderr
    assert "next page: c2" in result.stderr
    assert provider.heard[0].headers["authorization"] == "Bearer canary-key"
    assert "canary" not in result.output


async def test_a_credential_that_a_provider_replaces_is_kept_for_whoever_gave_it(
    attempt: Try, provider: HostileProvider, configs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = f'auth: {{type: oauth2_refresh_token, provider: VENDOR_API, token_url: "{provider.url}/token"}}'
    step = CHILDREN.replace("{url}", provider.url).replace("data_path: data\n", f"data_path: data\n      {auth}\n", 1)
    (configs / "vendor/members.yml").write_text(step)
    provider.script("/token", text('{"access_token": "a1", "refresh_token": "canary-1"}'))
    provider.script("/v1/groups", rows({"id": 1}))
    provider.script("/v1/groups/1/members", rows({"name": "Ada"}))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    given = {"client_id": "c", "client_secret": "s", "refresh_token": "r0"}
    result = await attempt("vendor/members", PIPELINES_CREDENTIAL=json.dumps(given))
    kept = only_file(tmp_path, "credential-*")
    assert (result.exit_code, json.loads(kept.read_text())) == (0, given | {"refresh_token": "canary-1"})
    assert (kept.stat().st_mode & 0o077, str(kept) in result.stderr, "canary" in result.output) == (0, True, False)


async def test_a_provider_that_asks_to_wait_is_told(attempt: Try, provider: HostileProvider) -> None:
    provider.script("/v1/users", answer(b"{}", "429 Too Many Requests", Retry_After="600"))
    result = await attempt("vendor/users")
    assert (result.exit_code, "error: waiting to try again: 127.0.0.1" in result.stderr) == (1, True)


async def test_more_pages_are_read_only_until_there_are_enough_rows(attempt: Try, provider: HostileProvider) -> None:
    provider.script("/v1/users", rows({"id": 1}, meta={"next_cursor": "b"}), rows({"id": 2}, meta={}))
    result = await attempt("vendor/users", "--rows", "5", "--json")
    *found, summary = (json.loads(line) for line in result.stdout.splitlines())
    assert [row["id"] for row in found] == [1, 2]
    assert (summary["pages"], summary["next_page"], summary["columns"]) == (2, "", {"id": "INT64"})


async def test_children_of_the_first_parent_are_shown(attempt: Try, provider: HostileProvider) -> None:
    provider.script("/v1/groups", rows({"id": "a"}, {"id": "b"}))
    provider.script("/v1/groups/a/members", rows({"member": 1}))
    result = await attempt("vendor/members")
    assert json.loads(result.stdout) == {"member": 1}
    assert [heard.path for heard in provider.heard] == ["/v1/groups", "/v1/groups/a/members"]


async def test_what_the_provider_refuses_is_told_without_the_credential(
    attempt: Try, provider: HostileProvider
) -> None:
    provider.script("/v1/users", answer(b"{}", "401 Unauthorized"))
    result = await attempt("vendor/users")
    assert result.exit_code == 1
    assert "answered 401: the credential is not accepted" in result.stderr
    assert "canary" not in result.output


@pytest.mark.parametrize(
    ("words", "complaint"),
    [(["vendor/absent"], "there is no pipeline 'vendor/absent'"), (["vendor/users", "--step", "x"], "extract_users")],
)
async def test_what_is_not_declared_cannot_be_tried(attempt: Try, words: list[str], complaint: str) -> None:
    result = await attempt(*words)
    assert result.exit_code == 2
    assert complaint in result.stderr


async def test_a_declaration_that_is_wrong_is_told_with_every_place(attempt: Try, configs: Path) -> None:
    (configs / "vendor/bad.yml").write_text("steps:\n  - step_id: extract_x\n    ps_type: generic.api_extractor\n")
    result = await attempt("vendor/users")
    assert result.exit_code == 2
    assert "configs/vendor/bad.yml:2:5:" in result.stderr


def _validated(configs: Path, *words: str) -> Result:
    command = ["validate", "--configs", str(configs), *words]
    return CliRunner().invoke(main, command)


def test_the_declarations_of_the_service_are_sound() -> None:
    result = _validated(Path("configs"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "pipelines are sound" in result.stdout


def test_everything_that_is_wrong_in_any_file_is_told_at_once(tmp_path: Path) -> None:
    shutil.copytree("configs/system", tmp_path / "configs" / "system")
    (tmp_path / "configs/vendor/schemas").mkdir(parents=True)
    (tmp_path / "configs/vendor/a.yml").write_text("steps: []\nnmae: x\n")
    (tmp_path / "configs/vendor/b.yml").write_text("steps:\n  - {step_id: x, ps_type: no.such}\n")
    (tmp_path / "configs/vendor/schemas/t.json").write_text("{")
    result = _validated(tmp_path / "configs")
    assert (result.exit_code, result.stdout) == (2, "")
    told = [line.split(": ")[1] for line in result.stderr.splitlines()]
    assert [place.rpartition("/")[2].partition(":")[0] for place in told] == ["a.yml", "a.yml", "b.yml", "t.json"]
    lines = [json.loads(line) for line in _validated(tmp_path / "configs", "--json").stdout.splitlines()]
    assert [(one["level"], one["line"]) for one in lines] == [("error", 1), ("error", 2), ("error", 2), ("error", 1)]
