"""Loads dated prices into llm_price_book from CSV files: the list prices, and the organisation's own over them."""

from __future__ import annotations

from attrs import frozen

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.price_book import PriceFileError, prices, version_of
from workers.ports import Row, StepContext, StepResult

LOADED_VERSION = "openai/cost/sql/price_book_version.sql"


@frozen
class SeedConfig:
    """`file` and the organisation's `own_file` (which need not exist) stand below configs/."""

    file: str
    own_file: str = ""
    provider: str = "OPENAI"
    table: str = "llm_price_book"
    version_sql: str = LOADED_VERSION


class OpenAiSeedCsv:
    """Engine of `openai.seed_csv`."""

    Config = SeedConfig

    async def execute(self, config: SeedConfig, ctx: StepContext) -> StepResult:
        """Replace the provider's prices when a file has changed since they were loaded, unless a newer run did."""
        table = ctx.schemas.table(config.table)
        await ctx.warehouse.ensure(table)
        listed, own = ctx.schemas.text(config.file), ctx.schemas.text(config.own_file) if config.own_file else None
        if listed is None:
            raise _invalid(f"configs/{config.file} does not exist")
        version = version_of(text or "" for text in (listed, own))
        loaded = await ctx.warehouse.query(ctx.schemas.sql(config.version_sql), {"provider": config.provider})
        if not ctx.force_refresh and [row["source_hash"] for row in loaded.rows] == [version]:
            return StepResult(0, 0, {"changed": False, "bytes_billed": loaded.bytes_billed})
        rows = self._rows(config, ctx, listed, own, version)
        async with ctx.warehouse.restate(table, None, {"provider": config.provider}, allow_shrink=True) as load:
            await load.write(rows)
            written = await load.publish(complete=True)
        if written.superseded:
            await ctx.message("the prices were left to a newer run, which has loaded them")
        billed = loaded.bytes_billed + written.bytes_billed
        return StepResult(written.rows, 0, {"changed": not written.superseded, "bytes_billed": billed})

    def _rows(self, config: SeedConfig, ctx: StepContext, listed: str, own: str | None, version: str) -> list[Row]:
        try:
            rows = prices(config.file, listed, config.provider, custom=False)
            if own is not None:
                rows += prices(config.own_file, own, config.provider, custom=True)
        except PriceFileError as error:
            raise _invalid(str(error)) from None
        fixed = {"known_from": ctx.clock.now(), "org_slug": ctx.org, "source_hash": version}
        return [{**row, **fixed} for row in rows]


def _invalid(message: str) -> FailedError:
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, message))


def get_engine() -> OpenAiSeedCsv:
    """Return the engine of `openai.seed_csv`."""
    return OpenAiSeedCsv()
