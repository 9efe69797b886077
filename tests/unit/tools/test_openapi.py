"""The OpenAPI document: valid, and saying what the contract says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[3] / "proto" / "gen" / "openapi.json").read_text())
PATHS = DOCUMENT["paths"]
OPERATIONS = [(path, verb) for path, verbs in PATHS.items() for verb in verbs]


def body_of(path: str) -> dict[str, Any]:
    schema: dict[str, Any] = PATHS[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return schema


def parameters_of(path: str, verb: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in PATHS[path][verb]["parameters"]}


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)


@pytest.mark.parametrize(("path", "verb"), OPERATIONS)
def test_every_operation_says_what_it_does_and_how_it_fails(path: str, verb: str) -> None:
    operation = PATHS[path][verb]
    assert operation["description"]
    assert {"200", "400", "503"} <= operation["responses"].keys()


def test_answers_are_those_that_the_comment_names_and_those_that_any_call_may_meet() -> None:
    assert set(PATHS["/health"]["get"]["responses"]) == {"200", "400", "431", "500", "503", "504"}
    listing, retry = "/api/v1/pipelines/runs", "/api/v1/pipelines/runs/{run_id}/retry"
    met = {"200", "400", "401", "403", "429", "431", "500", "503", "504"}
    assert set(PATHS[listing]["get"]["responses"]) == met
    assert set(PATHS[retry]["post"]["responses"]) == met | {"404", "409", "413"}


def test_a_refusal_has_the_one_shape_and_says_when_to_come_back() -> None:
    assert PATHS["/api/v1/pipelines"]["get"]["responses"]["429"] == {"$ref": "#/components/responses/Refused429"}
    full = DOCUMENT["components"]["responses"]["Refused429"]
    assert full["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
    assert set(full["headers"]) == {"X-Request-Id", "Retry-After"}
    assert "content" not in PATHS["/health"]["head"]["responses"]["503"]


def test_null_counts_as_nothing_in_a_body_that_needs_nothing() -> None:
    assert body_of("/api/v1/pipelines/runs/{run_id}/cancel")["type"] == ["object", "null"]
    schedule = body_of("/api/v1/scheduler/org/{org}/pipelines")
    assert (schedule["type"], schedule["properties"]["provider"]["type"]) == ("object", "string")
    assert schedule["properties"]["type"]["enum"] == ["daily", "monthly", "", None]
    assert schedule["properties"]["priority"]["maximum"] == 1_000_000


def test_both_bindings_of_a_method_are_there_under_names_of_their_own() -> None:
    assert PATHS["/api/v1/pipelines/runs/{run_id}/cancel"]["post"]["operationId"] == "CancelRun"
    assert PATHS["/api/v1/pipelines/runs/{run_id}"]["delete"]["operationId"] == "CancelRun_delete_1"


def test_keys_are_those_of_the_policy() -> None:
    assert PATHS["/api/v1/pipelines"]["get"]["security"] == [{"orgKey": []}]
    assert PATHS["/api/v1/procedures"]["get"]["security"] == [{"rootKey": []}]
    assert PATHS["/api/v1/scheduler/queue"]["get"]["security"] == [{"orgKey": []}, {"rootKey": []}]
    assert PATHS["/health"]["get"]["security"] == []


def test_rules_of_fields_bound_their_schemas() -> None:
    run = parameters_of("/api/v1/pipelines/run/{org}/{provider}/{domain}/{pipeline}", "post")
    assert run["org"]["schema"]["pattern"] == "^(?:[a-z0-9_]{3,50})$"
    assert run["org"]["required"]
    assert parameters_of("/api/v1/pipelines/runs/{run_id}", "get")["run_id"]["schema"]["format"] == "uuid"
    assert parameters_of("/api/v1/pipelines/runs", "get")["page_size"]["schema"]["minimum"] == 0


def test_what_starts_a_run_takes_an_idempotency_key() -> None:
    taking = {PATHS[path][verb]["operationId"] for path, verb in OPERATIONS if _takes_key(path, verb)}
    assert taking == {"RunPipeline", "RetryRun"}


def test_parameters_of_a_pipeline_are_free_and_other_bodies_closed() -> None:
    assert body_of("/api/v1/pipelines/run/{org}/{provider}/{domain}/{pipeline}")["additionalProperties"] is True
    assert body_of("/api/v1/pipelines/runs/{run_id}/cancel")["additionalProperties"] is False


def test_a_stream_comes_as_lines_or_events() -> None:
    content = PATHS["/api/v1/pipelines/runs/{run_id}/events"]["get"]["responses"]["200"]["content"]
    assert set(content) == {"application/x-ndjson", "text/event-stream"}


def _takes_key(path: str, verb: str) -> bool:
    return "Idempotency-Key" in parameters_of(path, verb)
