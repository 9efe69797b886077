"""Promises the outside engines keep: what runtime and processors may ask, and nothing of how it is done."""

from workers.ports.journal import Dispatch, Intake, Journal, Upkeep
from workers.ports.notices import News, Notices, Notifier, Planned, Way
from workers.ports.plain import Clock, Failpoint, Keys, Row, Schemas
from workers.ports.reading import Reader, Reading, Wiring
from workers.ports.routines import Routines
from workers.ports.source import Access, Answering, Question, Source, Sources, SourceTable
from workers.ports.step import Engine, Log, StepContext, StepResult
from workers.ports.timetable import Queue, Rounds, Timetable
from workers.ports.vault import Vault
from workers.ports.warehouse import (
    Answer,
    Authority,
    Batch,
    Called,
    CentralWarehouse,
    Expected,
    Load,
    Publication,
    Reached,
    Warehouse,
    Warehouses,
    Written,
)

__all__ = [
    "Access",
    "Answer",
    "Answering",
    "Authority",
    "Batch",
    "Called",
    "CentralWarehouse",
    "Clock",
    "Dispatch",
    "Engine",
    "Expected",
    "Failpoint",
    "Intake",
    "Journal",
    "Keys",
    "Load",
    "Log",
    "News",
    "Notices",
    "Notifier",
    "Planned",
    "Publication",
    "Question",
    "Queue",
    "Reached",
    "Reader",
    "Reading",
    "Rounds",
    "Routines",
    "Row",
    "Schemas",
    "Source",
    "SourceTable",
    "Sources",
    "StepContext",
    "StepResult",
    "Timetable",
    "Upkeep",
    "Vault",
    "Warehouse",
    "Warehouses",
    "Way",
    "Wiring",
    "Written",
]
