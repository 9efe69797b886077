"""What a received body is: a page, or the trouble it was. Pure; what is long is for a thread."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus

from attrs import evolve

from workers.model.page import Read
from workers.rest.document import Document, DocumentError, found_rows, parse
from workers.rest.paging import Answer
from workers.rest.rules import Ignored, Ruling, ruled_document
from workers.rest.trouble import Trouble, bad_response


def read_answer(read: Read, headers: Mapping[str, str], link: str, body: bytearray, now: datetime) -> Answer | Trouble:
    """Parse a body, which is emptied on the way, ask the read's rules, and find the rows."""
    searched = any(rule.contains for rule in read.rules)
    text = body.decode("utf-8", "replace") if searched else ""
    digest, size = sha256(body).hexdigest(), len(body)
    try:
        value = parse(body)
        ruling = answered(ruled_document(read.rules, headers, text, value, now), Document(value, (), digest, size))
        if ruling is not None:
            return ruling
        rows = found_rows(value, read.data_path, single_object=read.single_object)
        return Answer(Document(value, rows, digest, size), link)
    except DocumentError as error:
        return evolve(bad_response(f"answered with a body that {error}"), status=int(HTTPStatus.OK))


def answered(ruling: Ruling, document: Document) -> Answer | Trouble | None:
    """Return what a rule makes of an answer; None when no rule spoke."""
    return Answer(document, ignored=True) if isinstance(ruling, Ignored) else ruling


def unread(body: bytes) -> Document:
    """Return the document of a body that is not looked into."""
    return Document(None, (), sha256(body).hexdigest(), len(body))
