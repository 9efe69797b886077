"""The search for secrets finds one that was planted, in every form and wherever it stands."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from sandbox.secrets import SandboxSecrets
from tests.fakes.canaries import Search, plant, secrets_of
from tests.fakes.outputs import files

SECRET = b"canary0123/+9abcdef\xc3\xa9"
SEARCH = Search({"it": SECRET, "another": b"canary-of-something-else"})
TEXT = SECRET.decode()


@pytest.mark.parametrize(
    "text",
    [
        b"x" + SECRET + b"y",
        *(base64.b64encode(b"{'k':"[:length] + SECRET + b"'}") for length in range(6)),
        *(base64.urlsafe_b64encode(b"?=&-x"[:length] + SECRET) for length in range(6)),
        SECRET.hex().encode(),
        b"\\x" + SECRET.hex().upper().encode(),
        quote(TEXT).encode(),
        quote(TEXT, safe="").encode(),
        "".join(f"%{byte:02x}" for byte in SECRET).encode(),
    ],
)
def test_a_planted_secret_is_found(text: bytes) -> None:
    found = SEARCH.found("there", b"-- " + text)
    assert found
    assert all(line.startswith("it stands") for line in found)


@pytest.mark.parametrize("escape", [json.dumps, lambda text: json.dumps(text).replace("/", "\\/")])
def test_a_planted_secret_is_found_in_json(escape: type[str]) -> None:
    text = 'quo"te/and\\slash'
    assert Search({"it": text.encode()}).found("there", escape({"a": text}).encode())


def test_a_secret_is_found_when_each_of_its_letters_is_escaped() -> None:
    assert Search({"it": b"cnry"}).found("there", rb'"\u0063\u006e\u0072\u0079"')


def test_what_is_told_of_a_find_does_not_repeat_it() -> None:
    (line,) = SEARCH.found("a log", b"before " + SECRET + b" after")
    assert line == "it stands as it is in a log: before <here> after"


def test_nothing_is_found_where_nothing_is() -> None:
    assert SEARCH.found("there", b"cnry0123" + base64.b64encode(b"cnry") + b"\x00" * 100) == []


def test_every_key_of_a_planted_stack_is_found_by_the_mark_it_carries(tmp_path: Path) -> None:
    plant(tmp_path, ("acme", "globex"))
    (tmp_path / "postgres.password").write_text("0123456789abcdef")
    (tmp_path / "kms.key").write_bytes(bytes(range(32)))
    kept = SandboxSecrets.keep(tmp_path, ("acme", "globex"), {})
    search = Search(secrets_of(tmp_path, kept))
    for key in (kept.root_key, *kept.api_keys.values(), *kept.provider_keys.values()):
        assert search.found("there", key[:-8].encode())


def test_files_are_read_but_for_those_that_keep_secrets(tmp_path: Path) -> None:
    for name in ("spool/a.parquet", "service.log", "kms.key", "secrets.json", "postgres/base/1"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"x")
    assert [name for name, _ in files(tmp_path)] == [str(tmp_path / "service.log"), str(tmp_path / "spool/a.parquet")]
