"""Assembles the gRPC server: services, guards, health, reflection, and the bounds of the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
from attrs import frozen
from datapipeline.v1 import (
    health_pb2,
    health_pb2_grpc,
    pipelines_pb2,
    pipelines_pb2_grpc,
    procedures_pb2,
    procedures_pb2_grpc,
    scheduler_pb2,
    scheduler_pb2_grpc,
)
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2 as grpc_health_pb2
from grpc_health.v1 import health_pb2_grpc as grpc_health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from server.call import Policy
from server.health import Health
from server.interceptors.chain import Chain, Guard
from server.interceptors.policies import allowed, read_policies
from workers.model.org import Caller

MESSAGE_BYTES = 4 * 1024 * 1024
# The edge admits 8 KiB of a caller's headers; it adds the original path and its own, and gRPC counts 32 bytes a header.
METADATA_BYTES = 32 * 1024
STREAMS = 100

OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_metadata_size", METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", METADATA_BYTES),
    ("grpc.max_concurrent_streams", STREAMS),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 3),
    # Two services on one port must be a fault, not a lottery.
    ("grpc.so_reuseport", 0),
)

_HEALTH: ServiceDescriptor = grpc_health_pb2.DESCRIPTOR.services_by_name["Health"]
_REFLECTION: ServiceDescriptor = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
OURS: tuple[ServiceDescriptor, ...] = tuple(
    service
    for module in (pipelines_pb2, scheduler_pb2, procedures_pb2, health_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
)
NAMES = tuple(service.full_name for service in OURS)


@frozen
class Services:
    """What answers each service of the contract."""

    pipelines: pipelines_pb2_grpc.PipelineServiceServicer
    scheduler: scheduler_pb2_grpc.SchedulerServiceServicer
    procedures: procedures_pb2_grpc.ProcedureServiceServicer
    health: health_pb2_grpc.HealthServiceServicer


def policies(*, reflection_for_root: bool) -> Mapping[str, Policy]:
    """Return the policy of every method that is served; raises PolicyError when one of ours has none.

    Health is open to all; reflection too, except in production, where it takes the root key.
    """
    readers = frozenset({Caller.ROOT if reflection_for_root else Caller.NOBODY})
    return {
        **read_policies(OURS),
        **allowed(_HEALTH, frozenset({Caller.NOBODY})),
        **allowed(_REFLECTION, readers),
    }


def build(
    services: Services,
    health: Health,
    guards: Sequence[Guard],
    table: Mapping[str, Policy],
    options: Sequence[tuple[str, Any]] = (),
) -> grpc.aio.Server:
    """Return a server that listens nowhere yet; `options` override OPTIONS."""
    chosen = tuple({**dict(OPTIONS), **dict(options)}.items())
    server = grpc.aio.server(interceptors=(Chain(guards, table),), options=chosen)
    adders: tuple[tuple[Callable[[Any, Any], None], Any], ...] = (
        (pipelines_pb2_grpc.add_PipelineServiceServicer_to_server, services.pipelines),
        (scheduler_pb2_grpc.add_SchedulerServiceServicer_to_server, services.scheduler),
        (procedures_pb2_grpc.add_ProcedureServiceServicer_to_server, services.procedures),
        (health_pb2_grpc.add_HealthServiceServicer_to_server, services.health),
        (grpc_health_pb2_grpc.add_HealthServicer_to_server, health.servicer),
    )
    for add, servicer in adders:
        add(servicer, server)
    reflection.enable_server_reflection((*NAMES, _HEALTH.full_name, reflection.SERVICE_NAME), server)
    return server


def listen(server: grpc.aio.Server, host: str, port: int) -> int:
    """Bind without TLS (the edge and the mesh own that) and return the port; OSError when it is taken."""
    try:
        return server.add_insecure_port(f"{host}:{port}")
    except RuntimeError:
        raise OSError(f"GRPC_PORT: {host}:{port} cannot be bound; is another service running there?") from None
