"""The step around an export that is a list: what is read, what it may cost, and what is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from attrs import define, evolve, field

from sandbox.billing.export import Export
from sandbox.billing.tables import fields
from tests.fakes.step_bench import Bench
from workers.adapters.bigquery.source import column_names
from workers.catalog import Catalog
from workers.model.credential import Credential
from workers.model.failure import FailedError, Reason
from workers.model.pipeline import Destination
from workers.model.secret import Secret
from workers.model.table_path import TablePath
from workers.model.window import DateWindow
from workers.ports import Answer, Batch, Question, Row, SourceTable, StepResult
from workers.processors.gcp.billing_declared import BillingDeclared
from workers.processors.gcp.bq_etl import get_engine

CATALOG = Catalog.load(Path("configs"))
NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
GIB = 1024**3
FIRST, SECOND, OTHER = date(2025, 6, 10), date(2025, 6, 11), date(2025, 6, 14)
COLUMNS = frozenset(column_names(fields(Export("A", detailed=True))))
TABLES = ["gcp_billing_export_v1_A", "gcp_billing_export_resource_v1_B"]
DECLARED = BillingDeclared(destination=Destination("gcp_billing_daily_raw", write_mode="overwrite"))


@define
class ListedSource:
    """Keeps `workers.ports.Source`: so many rows a day in each table, and so many bytes a question."""

    days: Mapping[date, int]
    bytes: int = 0
    estimated: int | None = None
    project: str = "their-project"
    asked: list[Question] = field(factory=list)
    described: list[TablePath] = field(factory=list)

    async def describe(self, table: TablePath) -> SourceTable:
        self.described.append(table)
        return SourceTable(COLUMNS, "EU")

    async def estimate(self, question: Question) -> int:
        assert question.location == "EU"
        return self.bytes if self.estimated is None else self.estimated

    async def rows(self, question: Question) -> Answer:
        return Answer(tuple(kept(self.days, DateWindow(*question.parameters.values()))), self.bytes)

    async def ask(self, question: Question) -> ListedAnswer:
        self.asked.append(question)
        window = DateWindow(*question.parameters.values())
        return ListedAnswer([day for day in window for _ in range(self.days[day])], self.bytes)


@define
class ListedAnswer:
    listed: Sequence[date]
    bytes_billed: int

    async def batches(self) -> AsyncIterator[Batch]:
        yield pa.RecordBatch.from_pydict({"ingestion_date": self.listed})


def kept(days: Mapping[date, int], within: DateWindow) -> list[Row]:
    return [{"day": day, "exported_until": NOON, "row_count": rows} for day, rows in days.items() if day in within]


@define
class Vault:
    tables: list[str]

    async def stored(self, provider: str) -> Credential:
        metadata = {"billing_export": {"dataset": "export", "tables": self.tables}}
        return Credential("c", provider, Secret("s"), metadata=metadata)


@define
class Scene:
    bench: Bench
    source: ListedSource
    published: dict[date, int] = field(factory=dict)
    tables: list[str] = field(factory=lambda: TABLES[:1])

    async def run(self, **config: Any) -> StepResult:
        force_refresh = config.pop("force_refresh", False)

        async def opened(_provider: str, _project: str) -> ListedSource:
            return self.source

        everything = DateWindow(date.min, date.max)
        self.bench.warehouse.answer = lambda _sql, asked: kept(
            self.published,
            DateWindow(*asked.values()) if asked else everything,  # type: ignore[arg-type]
        )
        ctx = self.bench.context(
            OTHER, OTHER, vault=Vault(self.tables), warehouse_as=opened, force_refresh=force_refresh
        )
        return await get_engine().execute(evolve(DECLARED, **config), ctx)

    @property
    def windows(self) -> list[DateWindow | None]:
        return [one.window for one in self.bench.warehouse.published]


@pytest.fixture
def scene() -> Scene:
    return Scene(Bench(CATALOG, lambda _: ()), ListedSource({FIRST: 3, SECOND: 2, OTHER: 1}))


async def test_days_that_follow_one_another_are_published_together(scene: Scene) -> None:
    result = await scene.run()
    assert scene.windows == [DateWindow(FIRST, SECOND), DateWindow(OTHER, OTHER)]
    assert (result.rows, result.output["rows_written"], result.output["days_read"]) == (6, 6, 3)
    assert scene.bench.progress[-1].rows == 6


async def test_what_is_published_is_not_read_again_unless_it_is_asked_for(scene: Scene) -> None:
    scene.published = {FIRST: 3, SECOND: 1, OTHER: 1}
    assert (await scene.run()).output["days_read"] == 1
    assert scene.windows == [DateWindow(SECOND, SECOND)]
    assert (await scene.run(force_refresh=True)).output["days_read"] == 3
    assert scene.bench.warehouse.published[-1].allow_shrink


async def test_a_day_is_the_sum_of_all_tables(scene: Scene) -> None:
    scene.tables, scene.published = TABLES, {FIRST: 6, SECOND: 4, OTHER: 1}
    result = await scene.run()
    assert result.output["exports"] == [f"their-project.export.{name}" for name in TABLES]
    assert scene.windows == [DateWindow(OTHER, OTHER)]
    assert len(scene.bench.warehouse.published[0].rows) == 2


async def test_what_would_cost_too_much_is_refused_before_anything_is_read(scene: Scene) -> None:
    scene.source.bytes = GIB // 2
    with pytest.raises(
        FailedError, match=r"reading 3 days .* bill 1,073,741,824 bytes, and 536,870,912 .* 1 GiB"
    ) as raised:
        await scene.run(most_gib=1)
    assert raised.value.failure.reason is Reason.WAREHOUSE_QUOTA
    assert (scene.source.asked, scene.windows) == ([], [])


async def test_each_question_may_bill_what_is_left(scene: Scene) -> None:
    scene.source.bytes = GIB // 4
    result = await scene.run(most_gib=1)
    assert [question.most_bytes for question in scene.source.asked] == [GIB - GIB // 4, GIB - GIB // 2]
    assert result.output["bytes_billed"] == 3 * GIB // 4


async def test_a_question_is_bounded_even_when_nothing_is_left(scene: Scene) -> None:
    scene.source.bytes, scene.source.estimated = GIB, 0
    await scene.run(most_gib=1)
    assert [question.most_bytes for question in scene.source.asked] == [1, 1]


async def test_an_empty_export_is_told(scene: Scene) -> None:
    scene.source.days = {}
    assert (await scene.run()).output["days_read"] == 0
    assert scene.bench.messages == ["the export has no rows of these days"]


async def test_days_of_a_newer_run_are_told(scene: Scene) -> None:
    scene.bench.warehouse.superseded = 1
    await scene.run()
    assert scene.bench.messages == ["2 days were left to a newer run"]


async def test_a_run_that_names_its_export_asks_no_vault(scene: Scene) -> None:
    source = evolve(DECLARED.source, project="p-1", dataset="d", table="t")
    scene.tables = []
    await scene.run(source=source)
    assert [str(path) for path in scene.source.described] == ["p-1.d.t"]
