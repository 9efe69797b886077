from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cattrs import ClassValidationError

from tests.fakes.step_bench import Bench
from workers.catalog import Catalog
from workers.catalog.structure import structure
from workers.model.notice import Channel, Notice
from workers.processors.notify_systems import email_notification, slack_notification


async def asked(engine: Any, **config: Any) -> Notice:
    said: list[Notice] = []

    async def notify(notice: Notice) -> None:
        said.append(notice)

    bench = Bench(Catalog.load(Path("configs")), lambda _: ())
    result = await engine.execute(structure(config, engine.Config), bench.context(notify=notify))
    assert result.output == {"channel": said[0].channel.value}
    return said[0]


async def test_a_mail_step_asks_for_a_mail_and_sends_none() -> None:
    notice = await asked(email_notification.get_engine(), to=["a@b.example"], subject="{status}", message="{error}")
    assert notice == Notice(Channel.EMAIL, "{status}", "{error}", ("a@b.example",))


async def test_a_slack_step_asks_for_a_message() -> None:
    assert await asked(slack_notification.get_engine()) == Notice(Channel.SLACK)


@pytest.mark.parametrize(
    "config",
    [{"to": ["a@b.example\r\nBcc: x@y.example"]}, {"cc": ["a, b@c.example"]}, {"subject": "{password}"}, {"to": "a@b"}],
)
def test_a_bad_address_or_an_unknown_fact_is_refused_at_the_start(config: dict[str, Any]) -> None:
    with pytest.raises(ClassValidationError):
        structure(config, email_notification.EmailConfig)
