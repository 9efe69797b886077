"""The main job, shown: submits the usage and cost pipeline over REST, follows it live, reads the cost table back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
from attrs import frozen
from google.cloud import bigquery
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from sandbox.bigquery.connect import PROJECT, connect

PATH = "openai/cost/usage_cost"
DAYS = 7
PER_DAY = """
SELECT usage_date, model, SUM(total_tokens) AS tokens, SUM(requests) AS requests, SUM(total_cost_usd) AS cost,
  COUNTIF(price_status = 'UNPRICED') AS unpriced
FROM `{project}.{dataset}.openai_cost_daily`
WHERE usage_date BETWEEN @first_day AND @last_day
GROUP BY usage_date, model
ORDER BY usage_date, cost DESC
"""


class DemoFailedError(Exception):
    """The main job fell short; the text says of what."""


@frozen
class Demo:
    """Acts as a caller of `org` would, through the edge."""

    rest: str
    bigquery: str
    org: str
    api_key: str
    console: Console

    async def run(self) -> None:
        """Do the job and print the cost table; raises DemoFailedError."""
        last = datetime.now(UTC).date() - timedelta(days=1)
        days = {"start_date": (last - timedelta(days=DAYS - 1)).isoformat(), "end_date": last.isoformat()}
        async with aiohttp.ClientSession(headers={"X-API-Key": self.api_key}, trust_env=False) as session:
            run_id = await self._submit(session, days)
            ending = await self._follow(session, run_id)
            if ending["status"] != "COMPLETED":
                raise DemoFailedError(f"run {run_id} ended {ending['status']}: {json.dumps(ending.get('error'))}")
            reported = await self._reported_total(session, run_id)
        rows = await asyncio.to_thread(self._read_back, days)
        total = sum((row["cost"] or Decimal(0) for row in rows), Decimal(0))
        self._show(rows, total)
        if not rows or total <= 0 or total != reported:
            raise DemoFailedError(f"the cost table adds up to {total}, the run reported {reported}")

    async def _submit(self, session: aiohttp.ClientSession, days: Mapping[str, str]) -> str:
        url = f"{self.rest}/api/v1/pipelines/run/{self.org}/{PATH}"
        self.console.print(f"POST {url} {json.dumps(days)}")
        async with session.post(url, json={**days, "trigger_by": "demo", "force_refresh": True}) as answer:
            body = await answer.json()
            if answer.status != 200:  # noqa: PLR2004 - OK
                raise DemoFailedError(f"refused with {answer.status}: {json.dumps(body)}")
        self.console.print(f"accepted: run {body['run_id']}, {body['status']}")
        return str(body["run_id"])

    async def _follow(self, session: aiohttp.ClientSession, run_id: str) -> dict[str, Any]:
        columns = (SpinnerColumn(), TextColumn("{task.description:24}"), BarColumn(), TextColumn("{task.fields[what]}"))
        with Progress(*columns, TimeElapsedColumn(), console=self.console) as bars:
            shown: dict[str, TaskID] = {}
            async for event in self._events(session, run_id):
                _show_event(bars, shown, event)
                if event["type"] == "TERMINAL":
                    return event
        raise DemoFailedError("the events ended without a terminal one")

    async def _events(self, session: aiohttp.ClientSession, run_id: str) -> AsyncIterator[dict[str, Any]]:
        async with session.get(f"{self.rest}/api/v1/pipelines/runs/{run_id}/events") as answer:
            async for line in answer.content:
                if line.strip():
                    yield json.loads(line)

    async def _reported_total(self, session: aiohttp.ClientSession, run_id: str) -> Decimal:
        async with session.get(f"{self.rest}/api/v1/pipelines/runs/{run_id}") as answer:
            run = await answer.json()
        steps = {step["step_id"]: step for step in run["steps"]}
        return Decimal(steps["transform_cost"]["output"]["total_cost_usd"])

    def _read_back(self, days: Mapping[str, str]) -> list[Mapping[str, Any]]:
        client = connect(self.bigquery)
        try:
            parameters = [
                bigquery.ScalarQueryParameter("first_day", "DATE", days["start_date"]),
                bigquery.ScalarQueryParameter("last_day", "DATE", days["end_date"]),
            ]
            config = bigquery.QueryJobConfig(query_parameters=parameters)
            sql = PER_DAY.format(project=PROJECT, dataset=f"{self.org}_local")
            return [dict(row) for row in client.query(sql, job_config=config).result(timeout=30)]
        finally:
            client.close()

    def _show(self, rows: list[Mapping[str, Any]], total: Decimal) -> None:
        table = Table(title=f"{self.org}_local.openai_cost_daily, read back from BigQuery")
        for name, justify in (("day", "left"), ("model", "left"), ("tokens", "right"), ("requests", "right")):
            table.add_column(name, justify="right" if justify == "right" else "left")
        table.add_column("cost in USD", justify="right")
        for row in rows:
            cost = "no price" if row["cost"] is None else f"{row['cost']:.6f}"
            table.add_row(
                str(row["usage_date"]), row["model"] or "-", f"{row['tokens']:,}", f"{row['requests']:,}", cost
            )
        table.add_section()
        table.add_row("total", "", "", "", f"{total:.6f}")
        self.console.print(table)


def _show_event(bars: Progress, shown: dict[str, TaskID], event: Mapping[str, Any]) -> None:
    step = event["step_id"]
    match event["type"]:
        case "STEP_STARTED":
            shown[step] = bars.add_task(step, total=None, what="")
        case "PROGRESS":
            progress = event["progress"]
            bars.update(shown[step], what=f"{progress['rows']:,.0f} rows, {progress['pages']:.0f} pages")
        case "STEP_FINISHED":
            task = shown.get(step)
            if task is None:
                task = bars.add_task(step, total=None, what="")
            rows = event.get("progress", {}).get("rows", 0)
            bars.update(task, total=1, completed=1, what=f"{event['status']}, {rows:,.0f} rows")
        case "LOG":
            bars.console.print(f"  {step}: {event['message']}")
