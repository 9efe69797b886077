"""Reads each method's policy from its descriptor; a method without a sound one stops the start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from datapipeline.v1 import options_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from server.call import Policy
from workers.model.org import Caller
from workers.model.scope import SCOPES

AUDIT_ACTIONS = frozenset({"CREATE", "READ", "UPDATE", "DELETE", "EXECUTE"})
AUDIT_RESOURCES = frozenset({"PIPELINE", "INTEGRATION", "API_KEY", "USER", "CREDENTIAL", "ORG"})
OPEN = Policy(frozenset({Caller.NOBODY}))

_CALLERS = {
    options_pb2.CALLER_ORG: Caller.ORG,
    options_pb2.CALLER_ROOT: Caller.ROOT,
    options_pb2.CALLER_NOBODY: Caller.NOBODY,
}


class PolicyError(Exception):
    """Methods whose policy is missing or contradicts itself, one line each."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def read_policies(services: Iterable[ServiceDescriptor]) -> Mapping[str, Policy]:
    """Return full method name → policy; raises PolicyError with every fault."""
    methods = [method for service in services for method in service.methods]
    faults = tuple(fault for method in methods for fault in _faults(method))
    if faults:
        raise PolicyError(faults)
    return {path(method): _policy(method) for method in methods}


def path(method: MethodDescriptor) -> str:
    """Return a method's name as it stands on the wire."""
    return f"/{method.containing_service.full_name}/{method.name}"


def allowed(service: ServiceDescriptor, callers: frozenset[Caller]) -> Mapping[str, Policy]:
    """Return one policy for every method of a service that carries no options of ours."""
    return {path(method): Policy(callers) for method in service.methods}


def _declared(method: MethodDescriptor) -> options_pb2.MethodPolicy:
    extensions: Any = method.GetOptions().Extensions  # the generated stubs do not type extensions
    declared: options_pb2.MethodPolicy = extensions[options_pb2.policy]
    return declared


def _policy(method: MethodDescriptor) -> Policy:
    declared = _declared(method)
    callers = frozenset(_CALLERS[caller] for caller in declared.callers)
    return Policy(callers, declared.audit_action, declared.audit_resource, declared.starts_run, declared.scope)


def _faults(method: MethodDescriptor) -> list[str]:
    declared = _declared(method)
    if not declared.callers:
        return [f"{method.full_name}: no policy"]
    faults = []
    if any(caller not in _CALLERS for caller in declared.callers):
        faults.append(f"{method.full_name}: unknown kind of caller")
    if options_pb2.CALLER_NOBODY in declared.callers and len(declared.callers) > 1:
        faults.append(f"{method.full_name}: open to nobody and somebody")
    if bool(declared.audit_action) != bool(declared.audit_resource):
        faults.append(f"{method.full_name}: audit_action and audit_resource go together")
    if declared.audit_action and declared.audit_action not in AUDIT_ACTIONS:
        faults.append(f"{method.full_name}: unknown audit_action")
    if declared.audit_resource and declared.audit_resource not in AUDIT_RESOURCES:
        faults.append(f"{method.full_name}: unknown audit_resource")
    return [*faults, *_scope_faults(method, declared)]


def _scope_faults(method: MethodDescriptor, declared: options_pb2.MethodPolicy) -> Iterator[str]:
    takes_org_keys = options_pb2.CALLER_ORG in declared.callers
    if takes_org_keys and declared.scope not in SCOPES:
        yield f"{method.full_name}: an organisation's key needs a scope of {', '.join(sorted(SCOPES))}"
    if not takes_org_keys and declared.scope:
        yield f"{method.full_name}: a scope, but no organisation's key"
