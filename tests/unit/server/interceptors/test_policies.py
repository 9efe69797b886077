"""A contract whose policies are not complete does not start."""

from __future__ import annotations

import pytest
from datapipeline.v1 import options_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor

from server import grpc as assembly
from server.interceptors.policies import PolicyError, read_policies
from workers.model.org import Caller

FINE = options_pb2.MethodPolicy(callers=[options_pb2.CALLER_ORG], scope="pipelines:read")


def service(**policies: options_pb2.MethodPolicy | None) -> ServiceDescriptor:
    """Make a service with a method of each name."""
    pool = descriptor_pool.DescriptorPool()
    for needed in (descriptor_pb2.DESCRIPTOR, options_pb2.DESCRIPTOR):
        pool.AddSerializedFile(needed.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(name="x.proto", package="x", dependency=[options_pb2.DESCRIPTOR.name])
    file.message_type.add(name="M")
    made = file.service.add(name="S")
    for name, policy in policies.items():
        method = made.method.add(name=name, input_type=".x.M", output_type=".x.M")
        if policy is not None:
            method.options.Extensions[options_pb2.policy].CopyFrom(policy)  # type: ignore[index]
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName("x.S")


def test_every_method_of_the_contract_has_a_policy() -> None:
    table = assembly.policies(reflection_for_root=True)
    methods = {f"/{one.full_name}/{method.name}" for one in assembly.OURS for method in one.methods}
    assert methods <= table.keys()
    assert len(methods) >= 25


def test_a_method_without_policy_stops_the_start_and_every_one_is_named() -> None:
    with pytest.raises(PolicyError) as caught:
        read_policies([service(Good=FINE, Bare=None, Naked=None)])
    assert caught.value.faults == ("x.S.Bare: no policy", "x.S.Naked: no policy")


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        ({"callers": [options_pb2.CALLER_UNSPECIFIED]}, "unknown kind of caller"),
        ({"callers": [options_pb2.CALLER_NOBODY, options_pb2.CALLER_ORG]}, "open to nobody and somebody"),
        ({"callers": [options_pb2.CALLER_ORG], "audit_action": "UPDATE"}, "go together"),
        ({"callers": [options_pb2.CALLER_ORG], "audit_action": "X", "audit_resource": "ORG"}, "unknown audit_action"),
        (
            {"callers": [options_pb2.CALLER_ORG], "audit_action": "READ", "audit_resource": "X"},
            "unknown audit_resource",
        ),
        ({"callers": [options_pb2.CALLER_ORG]}, "needs a scope"),
        ({"callers": [options_pb2.CALLER_ORG], "scope": "pipelines:*"}, "needs a scope"),
        ({"callers": [options_pb2.CALLER_ROOT], "scope": "pipelines:read"}, "no organisation's key"),
    ],
)
def test_a_policy_that_contradicts_itself_is_a_fault(policy: dict[str, object], fault: str) -> None:
    with pytest.raises(PolicyError, match=fault):
        read_policies([service(M=options_pb2.MethodPolicy(**policy))])  # type: ignore[arg-type]


def test_policies_say_who_may_call_what() -> None:
    table = assembly.policies(reflection_for_root=True)
    run = table["/datapipeline.v1.PipelineService/RunPipeline"]
    assert (run.callers, run.audit_action, run.audit_resource) == (frozenset({Caller.ORG}), "EXECUTE", "PIPELINE")
    assert run.starts_run
    assert table["/datapipeline.v1.ProcedureService/SyncProcedures"].callers == {Caller.ROOT}
    assert table["/grpc.health.v1.Health/Check"].callers == {Caller.NOBODY}
