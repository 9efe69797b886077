"""The wire of native gRPC: bad frames harm nobody but their sender."""

from __future__ import annotations

from typing import Any

import grpc.aio
import pytest
from datapipeline.v1 import pipelines_pb2

from tests.fakes.echo_service import EchoService
from tests.fakes.rest_client import RUN_ID, RestClient

GET = "/datapipeline.v1.PipelineService/GetRun"
MESSAGE = b"\x00\x00\x00\x00\x00"
HANG = (("x-echo-hang", "1"),)


async def test_a_far_deadline_is_cut(pipelines: Any, echo: EchoService) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await pipelines.GetRun(pipelines_pb2.GetRunRequest(run_id=RUN_ID), timeout=99_999_999, metadata=HANG)
    assert ended.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    await echo.cancelled.wait()


async def test_a_callers_deadline_ends_the_call_behind(pipelines: Any, echo: EchoService) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await pipelines.GetRun(pipelines_pb2.GetRunRequest(run_id=RUN_ID), timeout=0.2, metadata=HANG)
    assert ended.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    await echo.cancelled.wait()


async def test_garbage_instead_of_http_closes_the_connection(rest: RestClient, echo: EchoService) -> None:
    answer = await rest.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64)
    assert not answer or answer.startswith(b"HTTP/1.1 400 ")
    assert not echo.calls
