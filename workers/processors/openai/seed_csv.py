"""Loads dated prices into llm_price_book: the list's, over them the platform's, over both the organisation's own file.

Given CSV files and the table of prices that the platform may keep in the dataset; hands on one provider's prices.
"""

from __future__ import annotations

from attrs import frozen

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.platform_prices import PlatformPriceError, platform_prices, version_of_rows
from workers.model.price_book import PriceFileError, prices, version_of
from workers.ports import Answer, Row, StepContext, StepResult

LOADED_VERSION = "openai/cost/sql/price_book_version.sql"
PLATFORM_COLUMNS = "system/sql/platform_price_columns.sql"
PLATFORM_PRICES = "system/sql/platform_prices.sql"


@frozen
class SeedConfig:
    """`file` and the organisation's `own_file` (which need not exist) stand below configs/."""

    file: str
    own_file: str = ""
    provider: str = "OPENAI"
    table: str = "llm_price_book"
    version_sql: str = LOADED_VERSION
    platform_table: str = "llm_model_pricing"
    platform_columns_sql: str = PLATFORM_COLUMNS
    platform_sql: str = PLATFORM_PRICES


@frozen
class _Sources:
    """What prices are made of, read but not judged."""

    listed: str
    own: str | None
    platform: Answer

    @property
    def version(self) -> str:
        return version_of((self.listed, self.own or "", version_of_rows(self.platform.rows)))


class OpenAiSeedCsv:
    """Engine of `openai.seed_csv`."""

    Config = SeedConfig

    async def execute(self, config: SeedConfig, ctx: StepContext) -> StepResult:
        """Replace the provider's prices when a source has changed since they were loaded, unless a newer run did."""
        table = ctx.schemas.table(config.table)
        await ctx.warehouse.ensure(table)
        sources = await self._sources(config, ctx)
        loaded = await ctx.warehouse.query(ctx.schemas.sql(config.version_sql), {"provider": config.provider})
        billed = sources.platform.bytes_billed + loaded.bytes_billed
        if not ctx.force_refresh and [row["source_hash"] for row in loaded.rows] == [sources.version]:
            return StepResult(0, 0, {"changed": False, "bytes_billed": billed})
        rows = self._rows(config, ctx, sources)
        async with ctx.warehouse.restate(table, None, {"provider": config.provider}, allow_shrink=True) as load:
            await load.write(rows)
            written = await load.publish(complete=True)
        if written.superseded:
            await ctx.message("the prices were left to a newer run, which has loaded them")
        output = {"changed": not written.superseded, "bytes_billed": billed + written.bytes_billed}
        return StepResult(written.rows, 0, output)

    async def _sources(self, config: SeedConfig, ctx: StepContext) -> _Sources:
        listed, own = ctx.schemas.text(config.file), ctx.schemas.text(config.own_file) if config.own_file else None
        if listed is None:
            raise _invalid(f"configs/{config.file} does not exist")
        return _Sources(listed, own, await self._platform(config, ctx))

    async def _platform(self, config: SeedConfig, ctx: StepContext) -> Answer:
        """Return the platform's prices for the provider; none where it keeps no table."""
        columns = await ctx.warehouse.query(ctx.schemas.sql(config.platform_columns_sql), {})
        found = {row["column_name"] for row in columns.rows}
        if not found:
            return columns
        declared = ctx.schemas.table(config.platform_table).columns
        missing = [column.name for column in declared if column.name not in found]
        if missing:
            raise _invalid(f"table {config.platform_table} has no column {', '.join(missing)}")
        given = await ctx.warehouse.query(ctx.schemas.sql(config.platform_sql), {"provider": config.provider.upper()})
        return Answer(given.rows, columns.bytes_billed + given.bytes_billed)

    def _rows(self, config: SeedConfig, ctx: StepContext, sources: _Sources) -> list[Row]:
        try:
            rows = prices(config.file, sources.listed, config.provider, custom=False)
            if sources.own is not None:
                rows += prices(config.own_file, sources.own, config.provider, custom=True)
            rows += platform_prices(sources.platform.rows, config.provider)
        except PriceFileError as error:
            raise _invalid(str(error)) from None
        except PlatformPriceError as error:
            raise FailedError(Failure(Code.FAILED_PRECONDITION, Reason.DATA_INVALID, str(error))) from None
        fixed = {"known_from": ctx.clock.now(), "org_slug": ctx.org, "source_hash": sources.version}
        return [{**row, **fixed} for row in rows]


def _invalid(message: str) -> FailedError:
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, message))


def get_engine() -> OpenAiSeedCsv:
    """Return the engine of `openai.seed_csv`."""
    return OpenAiSeedCsv()
