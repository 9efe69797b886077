"""One pipeline's file in, one Pipeline out, or everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from workers.catalog.conventions import convention_faults
from workers.catalog.declarations import PipelineFile
from workers.catalog.documents import Document, read_document
from workers.catalog.egress import check_places
from workers.catalog.expectations import column_faults
from workers.catalog.faults import Fault, faults
from workers.catalog.inputs import (
    declared_parameter,
    free_texts,
    parameter_faults,
    sample_variables,
    variable_faults,
)
from workers.catalog.notifications import pipeline_faults
from workers.catalog.problems import Findings
from workers.catalog.schedules import read_schedule
from workers.catalog.stepconfigs import Trial, try_step
from workers.catalog.steps import order_faults, read_steps, step_faults
from workers.catalog.structure import read_as
from workers.catalog.surroundings import Surroundings, named_files, pinned
from workers.model.org import NAME
from workers.model.pipeline import Pipeline, Step
from workers.model.resolve import Path, ResolveError, placeholders


def split_path(path: str) -> tuple[str, str, str] | None:
    """Split `provider/domain/pipeline` or `provider/pipeline` (the empty domain); None for anything else."""
    parts = path.split("/")
    if len(parts) == 2:  # noqa: PLR2004 - provider and pipeline
        parts.insert(1, "")
    named = len(parts) == 3 and all(NAME.match(part) for part in parts if part)  # noqa: PLR2004 - with a domain
    return (parts[0], parts[1], parts[2]) if named and parts[0] and parts[2] else None


def read_pipeline(path: str, file: str, content: bytes, around: Surroundings, findings: Findings) -> Pipeline | None:
    """Read the pipeline at `path` (without ending); None when it cannot be used, and then `findings` says why."""
    document = read_document(file, content, findings)
    return None if document is None else pipeline_of(path, document, around, findings)


def pipeline_of(path: str, document: Document, around: Surroundings, findings: Findings) -> Pipeline | None:
    """Make the pipeline of a document that was read already."""
    names = split_path(path)
    if names is None:
        message = "a pipeline stands at provider/pipeline.yml or provider/domain/pipeline.yml, in lower case"
        findings.problems.append(document.problem(message))
        return None
    declared = read_as(document, PipelineFile, findings)
    if declared is None:
        return None
    wrong = [*_file_faults(declared, around)]
    pipeline = None if any(fault.path[0] == "steps" for fault in wrong) else _build(names, declared, document, around)
    if pipeline is not None:
        wrong += order_faults(pipeline.steps)
    if pipeline is not None and not any(fault.path[0] == "parameters" for fault in wrong):
        wrong += _reference_faults(pipeline)
    if pipeline is not None and not wrong:
        pipeline, more = _tried(pipeline, around)
        wrong += more
    _report(document, wrong, findings.problems.append)
    if pipeline is None or wrong:
        return None
    _report(document, convention_faults(pipeline, around.dataset_types), findings.warnings.append)
    return pipeline


def _file_faults(declared: PipelineFile, around: Surroundings) -> Iterator[Fault]:
    yield from step_faults(declared.steps)
    yield from parameter_faults(declared.parameters)
    yield from variable_faults(declared.variables, declared.parameters)
    try:
        read_schedule(declared.schedule)
    except Exception as error:  # noqa: BLE001 - cattrs lets through whatever a validator raises
        yield from faults(error, ("schedule",))
    yield from pipeline_faults(declared.notifications)
    if isinstance(declared.version, dict | list):
        yield Fault(("version",), "must be a text or a number")
    for index, step in enumerate(declared.steps):
        for place in ("config", "source"):
            yield from check_places(getattr(step, place) or {}, around.allowed, ("steps", index, place))


def _build(names: tuple[str, str, str], declared: PipelineFile, document: Document, around: Surroundings) -> Pipeline:
    provider, domain, pipeline = names
    wanted = declared.integration_required
    integrations = (wanted,) if isinstance(wanted, str) else wanted or ()
    return Pipeline(
        provider=provider,
        domain=domain,
        pipeline=pipeline,
        steps=read_steps(declared.steps),
        config_hash="",
        source=document.text,
        declared_id=declared.pipeline_id,
        name=declared.name,
        description=declared.description,
        version=document.written.get(("version",), declared.version) or "",
        timeout_minutes=declared.timeout_minutes,
        max_days=declared.max_days,
        schedule=_schedule(declared.schedule),
        parameters=tuple(declared_parameter(name, one) for name, one in declared.parameters.items()),
        variables=declared.variables,
        integration_required=tuple(around.canonical(one) for one in integrations),
        notifications=declared.notifications,
        tags=declared.tags,
    )


def _schedule(declared: Any) -> Any:
    try:
        return read_schedule(declared)
    except Exception:  # noqa: BLE001 - reported as a fault already
        return None


def _reference_faults(pipeline: Pipeline) -> Iterator[Fault]:
    """Yield placeholders that stand for nothing, wherever a placeholder may stand."""
    try:
        if set(placeholders(pipeline.declared_id)) - {"org_slug"}:
            yield Fault(("pipeline_id",), "only {org_slug} may be substituted in pipeline_id")
    except ValueError as error:
        yield Fault(("pipeline_id",), str(error))
    try:
        sample_variables(pipeline)
    except ResolveError as error:
        for misfit in error.misfits:
            yield Fault(("variables", *misfit.path), f"{misfit.why}; a variable cannot refer to another")


def _tried(pipeline: Pipeline, around: Surroundings) -> tuple[Pipeline, list[Fault]]:
    """Try every step with its engine; return the pipeline with its hash, and what was wrong."""
    variables, free = sample_variables(pipeline), free_texts(pipeline)
    wrong: list[Fault] = []
    named: set[str] = set()
    for index, step in enumerate(pipeline.steps):
        try:
            trial = try_step(step, around.engines.find(step.ps_type), variables, free)
        except ValueError as error:
            trial = Trial((Fault(("ps_type",), str(error)),))
        wrong += [attrs.evolve(fault, path=("steps", index, *fault.path)) for fault in trial.faults]
        found, missing = named_files(step, trial.texts, pipeline, around)
        named |= found
        wrong += [Fault(("steps", index), f"there is no file {one!r}") for one in sorted(missing)]
        wrong += _reference_to_files(step, pipeline, around, ("steps", index))
        wrong += _expectation_faults(step, trial.texts, around, ("steps", index, "dq"))
    return attrs.evolve(pipeline, config_hash=pinned(pipeline.source, named, around.tree)), wrong


def _expectation_faults(step: Step, texts: Iterable[str], around: Surroundings, at: Path) -> Iterator[Fault]:
    """Yield columns that no table has which the step names, and totals that no earlier step can tell."""
    named = {*texts, *(one.table for one in step.dq)} | ({step.destination.table} if step.destination else set())
    tables = [around.schemas.table(name) for name in sorted(named) if around.schemas.declared(name)]
    yield from column_faults(step.dq, tables, at)
    for index, one in enumerate(step.dq):
        if one.total and one.total.partition(".")[0] not in step.depends_on:
            said = f"total must be step.name of a step in depends_on, not {one.total[:80]!r}"
            yield Fault((*at, index, "row_count", "total"), said)


def _reference_to_files(step: Step, pipeline: Pipeline, around: Surroundings, at: Path) -> Iterator[Fault]:
    """Yield names that stand for nothing in the schema file or the registry that a step refers to."""
    target = step.destination
    folder = "/".join(part for part in (pipeline.provider, pipeline.domain) if part)
    if target and target.schema_file and around.tree.find(target.schema_file, folder):
        place = (*at, "config", "destination")
        if around.schemas.declares(target.schema_file, folder):
            table = around.schemas.file(target.schema_file, folder)
            absent = [key for key in target.key_fields if table.column(key) is None]
            if absent:
                yield Fault((*place, "key_fields"), f"there is no column {absent[0][:80]!r} in {target.schema_file}")
        else:
            said = "is not a schema file: those are schemas/*.json, each with its table and columns"
            yield Fault((*place, "schema_file"), said)
    provider = step.config.get("provider")
    if "path" in step.config and isinstance(provider, str) and "{" not in provider and not around.knows(provider):
        yield Fault((*at, "config", "provider"), f"there is no provider {provider[:80]!r} in providers.yml")


def _report(document: Document, found: Iterable[Fault], add: Callable[[Any], None]) -> None:
    for fault in found:
        add(document.problem(fault.message, *_as_written(document, fault.path), key=fault.key))


def _as_written(document: Document, path: Path) -> Path:
    """Drop `config` from the path of a source or destination that stands in the step itself."""
    inside, place = path[:4], path[3:4]
    moved = len(inside) == 4 and inside not in document.values and place[0] in {"source", "destination"}  # noqa: PLR2004 - steps, index, config, place
    return (*path[:2], *path[3:]) if moved else path
