from __future__ import annotations

import pytest

from tests.unit.catalog.conftest import STEP, Configs
from workers.catalog import Catalog
from workers.model.notice import Channel, Event, Terms

ROOT = "notify_systems/email_notification/config.yml"
SLACK = "notify_systems/slack_notification/config.yml"
ORG = "orgs/acme/notifications.yml"
SMTP = "smtp: {host: mail.service.example, from_address: dp@service.example}"
OWN = "smtp: {host: mail.acme.example, port: 465, tls: implicit, username: u, from_address: dp@acme.example}"


def terms(catalog: Catalog, org: str = "acme", channel: Channel = Channel.EMAIL) -> Terms:
    return catalog.notifications.terms(org, channel, catalog.find("vendor", "", "a"))


def test_nothing_is_told_where_nothing_is_said(configs: Configs) -> None:
    configs.write("vendor/a.yml", STEP)
    catalog = configs.load()
    assert not any(terms(catalog, channel=channel).enabled for channel in Channel)
    assert catalog.notifications.mailing("acme") is None


def test_the_nearer_file_wins_key_by_key(configs: Configs) -> None:
    configs.write(ROOT, f"enabled: true\nto: [a@b.example]\ncc: [c@b.example]\nevents: [system_error]\n{SMTP}\n")
    configs.write(ORG, "email: {to: [x@acme.example], cooldown_minutes: 5}\n")
    configs.write("vendor/a.yml", "notifications: {events: [pipeline_started], email: {cooldown_minutes: 1}}\n" + STEP)
    found = terms(configs.load())
    assert (found.enabled, found.to, found.cc) == (True, ("x@acme.example",), ("c@b.example",))
    assert found.events == frozenset({Event.PIPELINE_STARTED})
    assert found.cooldown_minutes == 1
    other = terms(configs.load(), "globex")
    assert other.to == ("a@b.example",)


def test_an_empty_list_is_something_said(configs: Configs) -> None:
    configs.write(ROOT, f"enabled: true\nto: [a@b.example]\ncc: [c@b.example]\n{SMTP}\n")
    configs.write("vendor/a.yml", STEP)
    configs.write(ORG, "email: {cc: []}\n")
    assert terms(configs.load()).cc == ()


def test_a_pipeline_switches_all_channels_or_one(configs: Configs) -> None:
    configs.write(ROOT, f"enabled: true\nto: [a@b.example]\n{SMTP}\n")
    configs.write(SLACK, "enabled: true\n")
    configs.write("vendor/a.yml", "notifications: {enabled: false, slack: {enabled: true}}\n" + STEP)
    assert [terms(configs.load(), channel=channel).enabled for channel in Channel] == [False, True]


def test_a_mail_server_is_taken_whole_with_whose_password_it_is(configs: Configs) -> None:
    configs.write(ROOT, f"enabled: true\nto: [a@b.example]\n{SMTP[:-1]}, username: service}}\n")
    configs.write(ORG, f"email: {{{OWN}}}\nslack: {{enabled: true}}\n")
    told = configs.load().notifications
    own, others = told.mailing("acme"), told.mailing("globex")
    assert own is not None
    assert others is not None
    assert (own.server.host, own.server.username, own.owner) == ("mail.acme.example", "u", "acme")
    assert (others.server.host, others.server.username, others.owner) == ("mail.service.example", "service", "")
    assert (told.webhook_owner("acme"), told.webhook_owner("globex")) == ("acme", "")
    assert told.needs_credential


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        (ROOT, "enabled: true\n", f"{ROOT}:1:10: mail needs an smtp server"),
        (ROOT, "password: x\n", f"{ROOT}:1:1: unknown key 'password'"),
        (ROOT, "events: [pipeline_failed]\n", f"{ROOT}:1:10: must be one of pipeline_started"),
        (ROOT, 'subject_prefix: "a\\nBcc: x"\n', f"{ROOT}:1:17: 'subject_prefix' must be one line"),
        (ROOT, 'to: ["a@b.example\\r\\nBcc: x@y.example"]\n', f"{ROOT}:1:5: 'to' must be mail addresses"),
        (ROOT, "to: [a..b@c.example]\n", f"{ROOT}:1:5: 'to' must be mail addresses"),
        (ROOT, "to: [a, b]\n", f"{ROOT}:1:5: 'to' must be mail addresses"),
        (ROOT, "smtp: {host: 10.0.0.1, from_address: a@b.example}\n", f"{ROOT}:1:14: a URL must name a host"),
        (ROOT, "smtp: {host: localhost, from_address: a@b.example}\n", f"{ROOT}:1:14: 'localhost' is not a public"),
        (ROOT, f"{SMTP[:-1]}, tls: none}}\n", f"{ROOT}:1:75: mail may go without TLS only"),
        (ROOT, f"{SMTP[:-1]}, password: x}}\n", f"{ROOT}:1:70: unknown key 'password'"),
        (SLACK, "webhook: https://hooks.slack.com/x\n", f"{SLACK}:1:1: unknown key 'webhook'"),
        (ORG, "email: {enabled: true}\n", f"{ORG}:1:18: mail needs an smtp server, here or in the service's"),
        ("orgs/A/notifications.yml", "slack: {}\n", "orgs/A/notifications.yml:1:1: 'A' is not the name"),
        ("vendor/a.yml", "notifications: {mail: {}}\n" + STEP, "vendor/a.yml:1:17: unknown key 'mail'"),
        (
            "vendor/a.yml",
            f"notifications: {{email: {{{SMTP}}}}}\n{STEP}",
            "vendor/a.yml:1:25: a mail server is not a pipeline's to name",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(configs: Configs, path: str, text: str, fault: str) -> None:
    configs.write(path, text)
    assert any(found.startswith(fault) for found in configs.faults()), configs.faults()


def test_development_may_name_a_mail_server_on_loopback_without_tls(configs: Configs) -> None:
    configs.write(ROOT, "smtp: {host: localhost, port: 2525, tls: none, from_address: a@b.example}\n")
    assert configs.load(egress_allow=frozenset({"localhost:2525"})).notifications.mailing("acme") is not None


def test_steps_with_a_trigger_stand_aside_of_the_order(configs: Configs) -> None:
    text = """
steps:
  - {step_id: extract_a, ps_type: generic.api_extractor, config: {url: "https://api.vendor.com/a"}}
  - step_id: notify_x
    ps_type: generic.api_extractor
    trigger: on_failure
    config: {url: "https://api.vendor.com/b"}
  - {step_id: extract_b, ps_type: generic.api_extractor, config: {url: "https://api.vendor.com/c"}}
"""
    configs.write("vendor/a.yml", text)
    pipeline = configs.load().find("vendor", "", "a")
    assert pipeline is not None
    assert pipeline.step("extract_b").depends_on == ("extract_a",)
    configs.write("vendor/a.yml", text.replace("step_id: extract_b,", "step_id: extract_b, depends_on: notify_x,"))
    assert any("has a trigger, so it runs at the end" in fault for fault in configs.faults())
