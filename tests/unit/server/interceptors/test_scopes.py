"""Every method of the contract against keys of every set of scopes."""

from __future__ import annotations

import asyncio
from itertools import chain, combinations

import grpc
import pytest
from datapipeline.v1.pipelines_pb2_grpc import PipelineServiceServicer
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from server import grpc as assembly
from server.interceptors.policies import path
from server.services.not_yet import not_yet
from tests.plugins.service import Serve, Served, taken_apart
from workers.model.org import Caller
from workers.model.scope import SCOPES

POLICIES = assembly.policies(reflection_for_root=True)
METHODS = [method for one in assembly.OURS for method in one.methods if Caller.ORG in POLICIES[path(method)].callers]
KEY = "scoped_api_canary_0001"
LATER = {"ORG_MISMATCH", "REQUEST_INVALID", "NOT_IMPLEMENTED"}
HELD = [frozenset(some) for some in chain.from_iterable(combinations(sorted(SCOPES), n) for n in range(4))]


@not_yet
class NoPipelines(PipelineServiceServicer):
    """Refuses whatever reaches it."""


async def test_a_key_reaches_exactly_the_methods_that_its_scopes_cover(serve: Serve) -> None:
    served = await serve(NoPipelines())
    for held in HELD:
        served.book.enrol("acme", KEY, scopes=held)
        refused = await asyncio.gather(*(_out_of_scope(served, method) for method in METHODS))
        assert refused == [POLICIES[path(method)].scope not in held for method in METHODS]
        assert any(refused) is (held != SCOPES)


async def test_a_key_without_scopes_reaches_every_method(serve: Serve) -> None:
    served = await serve(NoPipelines())
    served.book.enrol("acme", KEY)
    assert not any(await asyncio.gather(*(_out_of_scope(served, method) for method in METHODS)))


async def _out_of_scope(served: Served, method: MethodDescriptor) -> bool:
    """Whether an empty request is refused for the key's scopes; all else that is wrong with it comes later."""
    message = GetMessageClass(method.input_type)
    call = served.channel.unary_stream(path(method), message.SerializeToString, bytes)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(message(), metadata=(("x-api-key", KEY),)).read()
    refusal = taken_apart(caught.value)
    assert refusal.reason in LATER | {"KEY_SCOPE_NOT_ALLOWED"}
    return refusal.reason == "KEY_SCOPE_NOT_ALLOWED"
