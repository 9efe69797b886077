"""Who may call a method, as its options say."""

from __future__ import annotations

from typing import Any

from datapipeline.v1 import options_pb2
from google.protobuf.descriptor import MethodDescriptor


def policy_of(method: MethodDescriptor) -> options_pb2.MethodPolicy:
    """Return who may call a method."""
    extensions: Any = method.GetOptions().Extensions  # the generated stubs do not type extensions
    policy: options_pb2.MethodPolicy = extensions[options_pb2.policy]
    return policy


def takes_keys(method: MethodDescriptor) -> bool:
    """Whether a call needs a key."""
    return options_pb2.CALLER_NOBODY not in policy_of(method).callers
