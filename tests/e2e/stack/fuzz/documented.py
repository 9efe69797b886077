"""The OpenAPI document as it is served, narrowed to names that exist, and calls made and judged by it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import requests
import schemathesis
from attrs import field, frozen
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import CHECKS
from schemathesis.schemas import APIOperation

from tests.e2e.stack.fuzz.conftest import Fuzzed
from tests.fakes.messages import Known
from tests.fakes.rest_client import Reply

WHOLE = ("content_type_conformance", "response_headers_conformance", "response_schema_conformance")
NOWHERE = "METHOD_NOT_FOUND"


@frozen
class Documented:
    """The operations by their label, and a session that calls them."""

    fuzzed: Fuzzed
    schema: Any
    session: requests.Session
    _drawn: dict[tuple[str, GenerationMode], st.SearchStrategy[Case[Any]]] = field(factory=dict)

    @classmethod
    def served(cls, fuzzed: Fuzzed, session: requests.Session) -> Documented:
        """Read the document through the edge."""
        document = session.get(f"{fuzzed.running.stack.edge.rest}/openapi.json", timeout=10).json()
        return cls(
            fuzzed, schemathesis.openapi.from_dict(narrowed(document, {**fuzzed.known, "page_token": [""]})), session
        )

    def operation(self, label: str) -> APIOperation[Any, Any, Any, Any]:
        """Return an operation."""
        found: APIOperation[Any, Any, Any, Any] = self.schema.find_operation_by_label(label)
        return found

    def cases(self, label: str, mode: GenerationMode) -> st.SearchStrategy[Case[Any]]:
        """Draw calls of an operation; made once, since making it anew draws in another order."""
        if (label, mode) not in self._drawn:
            self._drawn[label, mode] = self.operation(label).as_strategy(generation_mode=mode)
        return self._drawn[label, mode]

    def covering(self, label: str) -> Iterator[Case[Any]]:
        """Yield a case for each bound, each kind and each omission that the document knows of."""
        modes, config = list(GenerationMode), self.schema.config.generation
        yield from self.schema.iter_coverage_cases(
            self.operation(label), generation_modes=modes, generation_config=config
        )

    def call(self, case: Case[Any]) -> Response:
        """Make a call with the key that the operation takes."""
        root = not any("orgKey" in one for one in self._security(case))
        running = self.fuzzed.running
        key = {"X-CA-Root-Key": running.stack.secrets.root_key} if root else {"X-API-Key": self.fuzzed.org.key}
        return case.call(base_url=running.stack.edge.rest, session=self.session, headers=key, timeout=30)

    def _security(self, case: Case[Any]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = case.operation.definition.raw["x-keys"]
        return found


def narrowed(document: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """Return the document with what exists in the place of what could; keys are sent whatever the document says."""
    found = copy.deepcopy(dict(document))
    for operations in found["paths"].values():
        for operation in operations.values():
            operation["x-keys"] = operation.pop("security")
            for parameter in operation["parameters"]:
                _narrow(parameter["name"], parameter["schema"], known)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for name, schema in content["schema"].get("properties", {}).items():
                    _narrow(name, schema, known)
    return found


def reply_of(response: Response) -> Reply:
    """Return an answer as the other tests know it."""
    headers = {name.title(): values[0] for name, values in response.headers.items()}
    return Reply(response.status_code, headers, response.content)


def fields_of(reply: Reply) -> set[str]:
    """Return the fields that a refusal names."""
    named = {one["field"] for detail in reply.json["details"] for one in detail.get("field_violations", ())}
    return named | {reply.info["metadata"].get("field", "")}


def faults(case: Case[Any], response: Response) -> None:
    """Raise for an answer that is not as documented."""
    chosen = [*WHOLE, "negative_data_rejection"]
    checks: list[Any] = [*CHECKS.get_by_names(chosen)]
    case.validate_response(response, checks=checks)


def _narrow(name: str, schema: dict[str, Any], known: Known) -> None:
    if name in known and schema.get("type") == "string":
        schema["enum"] = list(known[name])
