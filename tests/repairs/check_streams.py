"""What each repair of the Storage Write API is good for, as a check that fails without it."""

from __future__ import annotations

from typing import Any, Self

import grpc
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField as Field
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient, types
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Kind
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from sandbox.bigquery.connect import PROJECT
from tests.plugins.emulator_calls import numbers, query

ROW = DescriptorProto(name="Row")
_PART = ROW.nested_type.add(name="Part")
_PART.field.add(name="n", number=1, type=Kind.TYPE_INT64, label=Kind.LABEL_OPTIONAL)
ROW.field.add(name="id", number=1, type=Kind.TYPE_STRING, label=Kind.LABEL_OPTIONAL)
ROW.field.add(name="part", number=2, type=Kind.TYPE_MESSAGE, type_name="Part", label=Kind.LABEL_OPTIONAL)
FILE = FileDescriptorProto(name="row.proto", syntax="proto2", message_type=[ROW])


def append_records(bq: Any, grpc_endpoint: str) -> None:
    name = _table(bq, [Field("id", "STRING"), Field("part", "RECORD", fields=[Field("n", "INTEGER")])])
    with _Stream(grpc_endpoint, name) as stream:
        assert not stream.append(0, {"id": "a", "part": {"n": 7}}).error.message
    assert query(bq, f"SELECT id, part.n FROM {name}") == [("a", 7)]


def append_offsets(bq: Any, grpc_endpoint: str) -> None:
    name = _table(bq, [Field("id", "STRING", "REQUIRED")])
    with _Stream(grpc_endpoint, name) as stream:
        assert stream.append(0, {}).error.message
        assert not stream.append(0, {"id": "a"}).error.message
    assert query(bq, f"SELECT id FROM {name}") == [("a",)]


def _table(bq: Any, fields: list[Field]) -> str:
    name = f"ds.s{next(numbers)}"
    bq.create_table(bigquery.Table(f"{PROJECT}.{name}", schema=fields))
    return name


class _Stream:
    """A COMMITTED stream into a table."""

    def __init__(self, endpoint: str, table: str) -> None:
        self._channel = grpc.insecure_channel(endpoint)
        self._client = BigQueryWriteClient(transport=BigQueryWriteGrpcTransport(channel=self._channel))
        dataset, name = table.split(".")
        self._parent = f"projects/{PROJECT}/datasets/{dataset}/tables/{name}"
        pool = DescriptorPool()
        file = pool.AddSerializedFile(FILE.SerializeToString())
        self._row = GetMessageClass(file.message_types_by_name["Row"])

    def __enter__(self) -> Self:
        stream = types.WriteStream(type_=types.WriteStream.Type.COMMITTED)
        self._name = self._client.create_write_stream(parent=self._parent, write_stream=stream, timeout=10).name
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def append(self, offset: int, row: dict[str, Any]) -> Any:
        """Append one row at this offset and return the response, or raise what ended the connection."""
        rows = types.ProtoRows(serialized_rows=[self._row(**row).SerializeToString()])
        data = types.AppendRowsRequest.ProtoData(writer_schema=types.ProtoSchema(proto_descriptor=ROW), rows=rows)
        request = types.AppendRowsRequest(write_stream=self._name, offset=offset, proto_rows=data)
        return next(iter(self._client.append_rows(iter([request]), timeout=10)))
