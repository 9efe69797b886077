"""Renders the edge's configuration: given addresses and limits, and envoy/ and the descriptor set, hands on YAML.

`python -m server.edge --listen HOST:PORT --upstream HOST:PORT [--upstream …] --admin HOST:PORT|PATH --out FILE`.
"""

from __future__ import annotations

import argparse
import base64
import ipaddress
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from attrs import field, fields, frozen

from server.edge_contract import PACKAGE, descriptor_set, embedded, path_variables, query_numbers, services
from server.edge_replies import IS_NATIVE, IS_REST, local_replies
from server.reading import words

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / "envoy"
DESCRIPTORS = ROOT / "proto" / "gen" / "descriptors.binpb"
ADDED_HEADERS = 512
"""Bytes of the headers that the edge adds to a call before it looks how large they are."""
OPENAPI = DESCRIPTORS.with_name("openapi.json")


@frozen
class Address:
    """Where to listen or connect; port 0 lets the system choose one to listen on."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `host:port` or `[v6]:port`; ValueError says what is wrong."""
        host, colon, port = text.rpartition(":")
        if not colon or not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 - the last port
            raise ValueError(f"{text!r} is not HOST:PORT")
        return cls(host.strip("[]"), int(port))

    @property
    def is_literal(self) -> bool:
        """Whether the host is an IP address rather than a name to resolve."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True


@frozen
class Times:
    """Seconds a caller or the service may take; `stream` must outlast a watched run, `idle` the heartbeats on it."""

    request_headers: float = 10
    request: float = 30
    unary: float = 30
    stream: float = 3600
    stream_idle: float = 60
    connection_idle: float = 300
    delayed_close: float = 1
    health_interval: float = 1


@frozen
class EdgeOptions:
    """What one edge needs: an upstream for each replica, and `admin` as HOST:PORT or the path of a socket.

    A name stands for all its addresses; origins are exact or the single `*`.
    """

    listen: Address
    upstreams: tuple[Address, ...]
    admin: str
    cors_origins: tuple[str, ...] = ()
    times: Times = field(factory=Times)
    max_body_bytes: int = 4 * 1024 * 1024
    max_headers_kib: int = 8
    descriptors: Path = DESCRIPTORS


_TIME_NAMES = tuple(time.name for time in fields(Times))
_UPSTREAM_HELP = "where the service answers; repeated, one for each replica"
_ORIGINS_HELP = "who may call from a browser, as CORS_ORIGINS lists it; may be repeated"
_TIMES_HELP = f"one of {', '.join(_TIME_NAMES)}; may be repeated"


def render(options: EdgeOptions) -> str:
    """Return the whole configuration as YAML that stands alone: the descriptor set is inside it."""
    files = descriptor_set(options.descriptors)
    values = _limits(options) | {
        "descriptors": embedded(files),
        "services": sorted(f"{PACKAGE}.{service.name}" for service in services(files)),
        "path_variables": sorted(path_variables(files)),
        "is_rest": IS_REST,
        "is_native": IS_NATIVE,
        "cors": _cors(options.cors_origins),
        "openapi": base64.b64encode(OPENAPI.read_bytes()).decode(),
    }
    values["transcoder_lines"] = _fragment("transcoder", values | {"lines": True, "events": False})
    values["transcoder_events"] = _fragment("transcoder", values | {"lines": False, "events": True})
    values["routes"] = _fragment("routes", values)
    replies = yaml.safe_load((TEMPLATES / "local_replies.yaml").read_text())
    values["local_replies"] = local_replies(replies, query_numbers(files))
    values["connection_manager"] = _fragment("connection_manager", values)
    return str(yaml.dump(_fragment("envoy", values), Dumper=_Plain, sort_keys=False, width=sys.maxsize))


def _limits(options: EdgeOptions) -> dict[str, Any]:
    times = options.times
    return {
        "listen": _socket(options.listen),
        "replicas": [{"endpoint": {"address": _socket(upstream)}} for upstream in options.upstreams],
        "discovery": "STATIC" if all(upstream.is_literal for upstream in options.upstreams) else "STRICT_DNS",
        "admin": _admin(options.admin),
        "max_body": options.max_body_bytes,
        "max_headers": options.max_headers_kib * 1024 + ADDED_HEADERS,
        "request_headers": f"{times.request_headers}s",
        "request": f"{times.request}s",
        "unary": f"{times.unary}s",
        "stream": f"{times.stream}s",
        "stream_idle": f"{times.stream_idle}s",
        "delayed_close": f"{times.delayed_close}s",
        "idle": f"{times.connection_idle}s",
        "health_interval": f"{times.health_interval}s",
    }


def _socket(address: Address) -> dict[str, Any]:
    return {"socket_address": {"address": address.host, "port_value": address.port}}


def _admin(where: str) -> dict[str, Any]:
    return {"pipe": {"path": where, "mode": 0o600}} if "/" in where else _socket(Address.parse(where))


def _cors(origins: Sequence[str]) -> dict[str, Any]:
    if not origins:
        return {}
    policy = {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
        "allow_origin_string_match": [
            {"safe_regex": {"regex": ".*"}} if origin == "*" else {"exact": origin} for origin in origins
        ],
        "allow_methods": "GET, HEAD, POST, DELETE, OPTIONS",
        "allow_headers": "content-type, accept, x-api-key, x-ca-root-key, idempotency-key, x-request-id, traceparent, "
        "x-grpc-web, x-user-agent, grpc-timeout",
        "expose_headers": "x-request-id, retry-after, grpc-status, grpc-message, grpc-status-details-bin",
        "max_age": "600",
    }
    return {"envoy.filters.http.cors": policy}


def _fragment(name: str, values: dict[str, Any]) -> Any:
    """Read a template and put a value wherever a scalar is the value's name after a dollar sign."""
    return _filled(yaml.safe_load((TEMPLATES / f"{name}.yaml.tmpl").read_text()), values)


def _filled(node: Any, values: dict[str, Any]) -> Any:
    if isinstance(node, dict):
        return {key: _filled(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(item, values) for item in node]
    if isinstance(node, str) and node.startswith("$"):
        return values[node.removeprefix("$")]
    return node


class _Plain(yaml.SafeDumper):
    """Writes every value where it stands: an alias would hide what a route says."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base class decides the signature
        return True


def _seconds(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    if name not in _TIME_NAMES:
        raise ValueError(f"{name!r} is none of {', '.join(_TIME_NAMES)}")
    return name, float(number)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m server.edge", description="Render the edge's configuration.")
    parser.add_argument("--listen", type=Address.parse, required=True, metavar="HOST:PORT")
    parser.add_argument(
        "--upstream", type=Address.parse, action="append", required=True, metavar="HOST:PORT", help=_UPSTREAM_HELP
    )
    parser.add_argument("--admin", required=True, metavar="HOST:PORT|PATH")
    parser.add_argument(
        "--cors-origin", type=words, action="extend", default=[], metavar="ORIGIN,…", help=_ORIGINS_HELP
    )
    parser.add_argument("--seconds", type=_seconds, action="append", default=[], metavar="TIME=N", help=_TIMES_HELP)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    given = parser.parse_args(arguments)
    options = EdgeOptions(
        given.listen, tuple(given.upstream), given.admin, tuple(given.cors_origin), Times(**dict(given.seconds))
    )
    given.out.write_text(render(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
