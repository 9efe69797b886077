"""What is written above services, methods, messages and fields, by full name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

# Numbers of fields in descriptor.proto, which paths of source locations are made of.
_MESSAGES, _SERVICES = 4, 6
_FIELDS, _NESTED = 2, 3
_METHODS = 2

_LINTER = "buf:"


def comments(files: FileDescriptorSet) -> Mapping[str, str]:
    """Return full name → leading comment as one line, without what speaks to the linter."""
    return {name: text for file in files.file for name, text in _of_file(file) if text}


def _of_file(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    written = {tuple(place.path): _line(place.leading_comments) for place in file.source_code_info.location}
    names: list[tuple[Sequence[int], str]] = []
    for number, service in enumerate(file.service):
        own = f"{file.package}.{service.name}"
        names.append(((_SERVICES, number), own))
        names += [((_SERVICES, number, _METHODS, at), f"{own}.{one.name}") for at, one in enumerate(service.method)]
    for number, message in enumerate(file.message_type):
        names += _of_message((_MESSAGES, number), f"{file.package}.{message.name}", message)
    return ((name, written.get(tuple(path), "")) for path, name in names)


def _of_message(path: Sequence[int], own: str, message: DescriptorProto) -> Iterator[tuple[Sequence[int], str]]:
    yield path, own
    for number, field in enumerate(message.field):
        yield (*path, _FIELDS, number), f"{own}.{field.name}"
    for number, nested in enumerate(message.nested_type):
        yield from _of_message((*path, _NESTED, number), f"{own}.{nested.name}", nested)


def _line(comment: str) -> str:
    return " ".join(line.strip() for line in comment.splitlines() if not line.strip().startswith(_LINTER)).strip()
