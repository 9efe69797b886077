"""Turns news of the journal into letters: one planner for the fleet decides, with the settings and what was told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import attrs
import structlog
from attrs import define, field, frozen
from prometheus_client import Counter

from workers.catalog import Catalog
from workers.model.notice import Channel, Event, Letter, Notice, Pause, Terms
from workers.model.notice_plan import Occasion, asked, during, ending, outside, summary, tell
from workers.model.pipeline import OnFailure, Pipeline
from workers.model.run import Run
from workers.ports import News, Notices, Planned, Upkeep
from workers.ports.notices import Key

log = structlog.get_logger()
notices = Counter("notices_total", "Notices by what became of them", ["channel", "outcome"])

BATCH = 200
STREAK = "failures"


@define
class _Desk:
    """What is decided of one batch: letters, and what was told as it stands by now."""

    told: dict[Key, Mapping[str, Any]]
    now: datetime
    letters: list[Letter] = field(factory=list)
    changed: dict[Key, Mapping[str, Any] | None] = field(factory=dict)

    def find(self, key: Key) -> Mapping[str, Any]:
        return self.changed.get(key, self.told.get(key)) or {}


@frozen
class Announcer:
    """Reads news, runs and what was told, and writes what comes of them in one commit."""

    notices: Notices
    runs: Upkeep
    catalog: Catalog

    async def announce(self) -> int:
        """Plan one batch, and what was held back long enough; return how many pieces of news there were."""
        news = await self.notices.news(BATCH)
        if news:
            await self._plan(news)
        overdue = await self.notices.overdue(BATCH)
        if overdue:
            await self._summarise(overdue)
        return len(news)

    async def _plan(self, news: tuple[News, ...]) -> None:
        ids = {one.run_id for one in news if one.run_id is not None}
        runs = {run.run_id: run for run in await self.runs.runs(sorted(ids))}
        told = await self.notices.told(self._keys(runs.values()))
        desk = _Desk(dict(told), await self.notices.ping())
        for one in news:
            try:
                self._look(desk, one, runs)
            except Exception:
                # Whatever is wrong with one piece of news holds up no other.
                log.exception("news not understood", parcel=one.parcel_id)
        planned = Planned(tuple(one.parcel_id for one in news), tuple(desk.letters), desk.changed)
        if not await self.notices.plan(planned):
            log.info("news planned by another one")

    def _look(self, desk: _Desk, news: News, runs: Mapping[UUID, Run]) -> None:
        run = runs.get(news.run_id) if news.run_id else None
        about = news.payload.get("about")
        if run is None:
            if about == "service":
                said = outside(f"service-{news.parcel_id}", Event(news.payload["event"]), str(news.payload["why"]))
                self._tell(desk, said, None)
            return
        pipeline = self._declared(run)
        match about:
            case "ended":
                self._end(desk, run, pipeline)
            case "event":
                event = Event(news.payload["event"])
                self._tell(desk, during(run, event, str(news.payload["why"]), news.parcel_id), pipeline)
            case "step":
                self._ask(desk, run, pipeline, news.payload)

    def _end(self, desk: _Desk, run: Run, pipeline: Pipeline | None) -> None:
        key = (run.org_slug, run.pipeline_id, STREAK)
        before = int(desk.find(key).get("count", 0))
        occasion, after = ending(run, _alerting(run, pipeline), before)
        if after != before:
            desk.changed[key] = {"count": after} if after else None
        if occasion is not None:
            self._tell(desk, occasion, pipeline)

    def _tell(self, desk: _Desk, occasion: Occasion, pipeline: Pipeline | None) -> None:
        for channel in Channel:
            terms = self.catalog.notifications.terms(occasion.org, channel, pipeline)
            event = occasion.event(terms)
            if event is None:
                continue
            key = _pause_key(occasion.org, channel, event, terms)
            before = _pause(desk.find(key))
            told = tell(occasion, channel, terms, before, desk.now)
            if told.letter is not None:
                desk.letters.append(told.letter)
            elif told.pause != before:
                notices.labels(channel, "held").inc()
            if told.pause != before:
                desk.changed[key] = _value(told.pause)

    def _ask(self, desk: _Desk, run: Run, pipeline: Pipeline | None, payload: Mapping[str, Any]) -> None:
        said = payload["notice"]
        channel = Channel(said["channel"])
        notice = Notice(channel, said["subject"], said["message"], tuple(said["to"]), tuple(said["cc"]))
        terms = self.catalog.notifications.terms(run.org_slug, channel, pipeline)
        letter = asked(run, str(payload["step"]), notice, terms)
        if letter is None:
            notices.labels(channel, "dropped").inc()
            log.warning("a step's notice goes nowhere: its channel is off", run_id=str(run.run_id), channel=channel)
        else:
            desk.letters.append(letter)

    async def _summarise(self, overdue: Mapping[Key, Mapping[str, Any]]) -> None:
        letters: list[Letter] = []
        for (org, _, kept), value in overdue.items():
            channel, event, _audience = kept.split(" ")
            pause = _pause(value)
            if pause is not None:
                letters.append(summary(org, Channel(channel), event, pause))
        await self.notices.plan(Planned((), tuple(letters), dict.fromkeys(overdue)))

    def _keys(self, runs: Iterable[Run]) -> list[Key]:
        """Return under which keys what was told of these runs, and of the service itself, may be kept."""
        # Many runs are of few pipelines: one of each tells the keys of all.
        kinds = {(run.org_slug, run.pipeline_id): run for run in runs}
        keys = set(self._pause_keys("", None))
        for run in kinds.values():
            keys.add((run.org_slug, run.pipeline_id, STREAK))
            keys.update(self._pause_keys(run.org_slug, self._declared(run)))
        return sorted(keys)

    def _pause_keys(self, org: str, pipeline: Pipeline | None) -> Iterator[Key]:
        for channel in Channel:
            terms = self.catalog.notifications.terms(org, channel, pipeline)
            yield from (_pause_key(org, channel, event, terms) for event in terms.events)

    def _declared(self, run: Run) -> Pipeline | None:
        return self.catalog.find(run.provider, run.domain, run.pipeline)


def _pause_key(org: str, channel: Channel, event: Event, terms: Terms) -> Key:
    return (org, "", f"{channel} {event} {terms.audience}")


def _alerting(run: Run, pipeline: Pipeline | None) -> frozenset[str]:
    """Return the steps whose failure is a warning; of a pipeline that is not declared any more every one is."""
    if pipeline is None:
        return frozenset(step.step_id for step in run.steps)
    return frozenset(step.step_id for step in pipeline.steps if step.on_failure is OnFailure.ALERT)


def _pause(value: Mapping[str, Any]) -> Pause | None:
    if not value:
        return None
    lists = {name: tuple(value[name]) for name in ("to", "cc", "held")}
    return Pause(**{**value, **lists, "until": datetime.fromisoformat(value["until"])})


def _value(pause: Pause | None) -> Mapping[str, Any] | None:
    if pause is None:
        return None
    return {**attrs.asdict(pause), "until": pause.until.isoformat()}
