"""All that is declared below configs/, read and checked once at the start, and found by name afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from attrs import frozen

from workers.catalog.documents import Document, read_document
from workers.catalog.faults import faults
from workers.catalog.notifications import Notifications, notification_path, read_notifications
from workers.catalog.pipelines import pipeline_of, read_pipeline
from workers.catalog.plans import Plans, read_plans
from workers.catalog.problems import ConfigError, Findings, Problem
from workers.catalog.procedures import Procedures, read_procedures
from workers.catalog.processors import Engines, ProcessorsFile
from workers.catalog.providers import Provider, Providers, read_providers
from workers.catalog.schemas import SchemaFiles, read_schemas
from workers.catalog.stepconfigs import engine_config
from workers.catalog.structure import read_as
from workers.catalog.surroundings import Surroundings
from workers.catalog.tree import Tree, read_tree
from workers.model.failure import Code, FailedError, Reason, refused
from workers.model.page import Endpoint
from workers.model.parameters import Inputs, type_parameters
from workers.model.pipeline import Pipeline, Step
from workers.model.resolve import ResolveError, dotted
from workers.ports import Engine

SYSTEM = "system"
ORGS = "orgs"


@frozen
class DatasetTypesFile:
    """configs/system/dataset_types.yml: what a destination's `dataset_type` may be, with its meaning."""

    dataset_types: Mapping[str, str]


class Catalog:
    """Pipelines, schemas, providers, plans and engines. Nothing in it changes until a restart."""

    def __init__(
        self,
        pipelines: Mapping[str, Pipeline],
        around: Surroundings,
        providers: Providers,
        plans: Plans,
        notifications: Notifications,
        procedures: Procedures,
        warnings: tuple[Problem, ...],
    ) -> None:
        self.pipelines = pipelines
        self.procedures = procedures
        self.providers = providers
        self.plans = plans
        self.notifications = notifications
        self.warnings = warnings
        self._around = around

    @classmethod
    def load(
        cls,
        root: Path,
        *,
        processors_package: str = "workers.processors",
        base_urls: Mapping[str, str] | None = None,
        egress_allow: frozenset[str] = frozenset(),
    ) -> Catalog:
        """Read everything below `root`; raises ConfigError with all that is wrong in all files.

        `base_urls` replaces URLs of providers.yml by setting (OPENAI_BASE_URL, …); `egress_allow` are `host:port`
        that pipelines may name beyond public https hosts.
        """
        findings = Findings()
        tree = read_tree(root, findings)
        system = {path: _document(tree, path, findings) for path in tree.ending(".yml", ".yaml") if _is_system(path)}
        providers = read_providers(_needed(system, "providers", tree, findings), base_urls or {}, findings)
        procedures = read_procedures(tree, findings)
        plans = read_plans(_needed(system, "plans", tree, findings), findings)
        around = Surroundings(
            tree,
            read_schemas(tree, findings),
            Engines(processors_package, _aliases(system, findings)),
            providers.canonical,
            providers.knows,
            _dataset_types(system, findings),
            egress_allow,
        )
        notices = {path: _document(tree, path, findings) for path in tree.ending(".yml") if notification_path(path)}
        notifications = read_notifications(notices, egress_allow, findings)
        pipelines = _pipelines(around, findings)
        if findings.problems or plans is None:
            raise ConfigError(findings.problems)
        return cls(pipelines, around, providers, plans, notifications, procedures, tuple(sorted(findings.warnings)))

    @property
    def schemas(self) -> SchemaFiles:
        """Schema and SQL files."""
        return self._around.schemas

    def find(self, provider: str, domain: str, pipeline: str) -> Pipeline | None:
        """Return a pipeline; the domain may be empty or "-" where there is none."""
        parts = (provider, "" if domain == "-" else domain, pipeline)
        found = self.pipelines.get("/".join(part for part in parts if part))
        return found if found and (found.provider, found.domain, found.pipeline) == parts else None

    def parse(self, path: str, source: str) -> Pipeline:
        """Return the pipeline that a kept declaration stands for; raises FailedError(CONFIG_INVALID).

        Its steps are those of `source`; schemas, SQL and engines are today's.
        """
        findings = Findings()
        pipeline = read_pipeline(path, f"{path}.yml", source.encode(), self._around, findings)
        if pipeline is None:
            listed = "; ".join(str(problem) for problem in sorted(findings.problems))
            raise _invalid(f"the declaration this run is pinned to does not fit any more: {listed}")
        return pipeline

    def engine(self, ps_type: str) -> Engine:
        """Return the engine of a ps_type or alias; raises FailedError(CONFIG_INVALID) when there is none."""
        try:
            return self._around.engines.find(ps_type)
        except ValueError as error:
            raise _invalid(str(error)) from None

    def config(self, step: Step, variables: Mapping[str, Any]) -> Any:
        """Return the engine's Config of a step, substituted and typed; raises FailedError(CONFIG_INVALID)."""
        engine = self.engine(step.ps_type)
        try:
            return engine_config(step, engine, variables)
        except ResolveError as error:
            raise _invalid(f"step {step.step_id}: {error}") from None
        except Exception as error:  # noqa: BLE001 - cattrs lets through whatever a class's own validators raise
            listed = "; ".join(f"{dotted(fault.path)}: {fault.message}" for fault in faults(error))
            raise _invalid(f"step {step.step_id}: {listed}") from None

    def provider(self, name: str) -> Provider:
        """Return a provider by name or alias; raises FailedError(CONFIG_INVALID) when it is not registered."""
        return self.providers.find(name)

    def endpoint(self, provider: str) -> Endpoint:
        """Return a provider's API; raises FailedError(CONFIG_INVALID) when it is not registered."""
        return self.providers.find(provider).endpoint

    def inputs(self, pipeline: Pipeline, raw: Mapping[str, Any], today: date) -> Inputs:
        """Type a caller's parameters; raises FailedError(PARAMETERS_INVALID) with all violations."""
        return type_parameters(pipeline, raw, today)


def _pipelines(around: Surroundings, findings: Findings) -> Mapping[str, Pipeline]:
    found: dict[str, Pipeline] = {}
    names: dict[str, str] = {}
    for file in around.tree.ending(".yml", ".yaml"):
        if _is_system(file) or notification_path(file):
            continue
        document = _document(around.tree, file, findings)
        if document is None or "steps" not in document.data or file.startswith(f"{ORGS}/"):
            continue
        pipeline = pipeline_of(file.rpartition(".")[0], document, around, findings)
        if pipeline is None:
            continue
        name = pipeline.pipeline_id("")
        if name in names:
            findings.problems.append(document.problem(f"has the same pipeline id as {names[name]}"))
        names[name] = document.file
        found[pipeline.path] = pipeline
    return found


def _document(tree: Tree, path: str, findings: Findings) -> Document | None:
    return read_document(tree.label(path), tree.contents[path], findings)


def _is_system(path: str) -> bool:
    return path.startswith(f"{SYSTEM}/")


def _needed(system: Mapping[str, Document | None], name: str, tree: Tree, findings: Findings) -> Document | None:
    path = f"{SYSTEM}/{name}.yml"
    if path not in system:
        findings.problems.append(Problem(tree.label(path), 0, 0, "there is no such file"))
    return system.get(path)


def _aliases(system: Mapping[str, Document | None], findings: Findings) -> Mapping[str, str]:
    document = system.get(f"{SYSTEM}/processors.yml")
    declared = read_as(document, ProcessorsFile, findings) if document else None
    return declared.aliases if declared else {}


def _dataset_types(system: Mapping[str, Document | None], findings: Findings) -> frozenset[str]:
    document = system.get(f"{SYSTEM}/dataset_types.yml")
    declared = read_as(document, DatasetTypesFile, findings) if document else None
    return frozenset(declared.dataset_types) if declared else frozenset()


def _invalid(message: str) -> FailedError:
    return refused(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, message)
