"""Notifications as declared: configs/notify_systems/*/config.yml, an organisation's notifications.yml, a pipeline's.

The nearer file wins, key by key: pipeline before organisation before service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from attrs import field, frozen

from workers.catalog.documents import Document
from workers.catalog.faults import Fault, faults
from workers.catalog.notice_files import ChannelFile, EmailFile, OrgFile, PipelineNotices, SmtpFile, smtp_faults
from workers.catalog.problems import Findings
from workers.catalog.structure import read_as, structure
from workers.model.notice import Channel, Event, MailServer, Terms
from workers.model.org import SLUG
from workers.model.pipeline import Pipeline

T = TypeVar("T")

EMAIL = "notify_systems/email_notification/config.yml"
SLACK = "notify_systems/slack_notification/config.yml"
_ORGS, _FILE = "orgs/", "/notifications.yml"


@frozen
class Mailing:
    """A mail server, and the organisation whose password it takes; empty for the service's own."""

    server: MailServer
    owner: str


@frozen
class Notifications:
    """What is to be told to whom."""

    _email: EmailFile = field(factory=EmailFile, alias="email")
    _slack: ChannelFile = field(factory=ChannelFile, alias="slack")
    _orgs: Mapping[str, OrgFile] = field(factory=dict)
    _known: dict[tuple[str, Channel, str], Terms] = field(factory=dict, init=False, eq=False, repr=False)

    def terms(self, org: str, channel: Channel, pipeline: Pipeline | None) -> Terms:
        """Return what a channel tells of a pipeline; of the service itself when `org` is empty.

        Asked for every run, so an answer is kept: there are as many as declarations and organisations' own files.
        """
        key = (org if org in self._orgs else "", channel, pipeline.config_hash if pipeline else "")
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._terms(org, channel, pipeline)
        return known

    def _terms(self, org: str, channel: Channel, pipeline: Pipeline | None) -> Terms:
        layers = list(self._layers(org, channel, pipeline))
        mailed = [layer for layer in layers if isinstance(layer, EmailFile)]
        reachable = channel is Channel.SLACK or self.mailing(org) is not None
        enabled = reachable and bool(_first(layers, lambda layer: layer.enabled))
        return Terms(
            enabled,
            frozenset(_first(layers, lambda layer: layer.events) or ()),
            _first(layers, lambda layer: layer.cooldown_minutes) or 0.0,
            _first(mailed, lambda layer: layer.to) or (),
            _first(mailed, lambda layer: layer.cc) or (),
            _first(layers, lambda layer: layer.subject_prefix) or "",
        )

    def tells(self, org: str, pipeline: Pipeline, event: Event) -> bool:
        """Whether anybody is told of an event."""
        told = (self.terms(org, channel, pipeline) for channel in Channel)
        return any(terms.enabled and event in terms.events for terms in told)

    def mailing(self, org: str) -> Mailing | None:
        """Return the mail server of an organisation, else the service's."""
        own = self._orgs.get(org, OrgFile()).email.smtp
        smtp = own or self._email.smtp
        return Mailing(_server(smtp), org if own else "") if smtp else None

    def webhook_owner(self, org: str) -> str:
        """Return the organisation whose webhook is used; empty for the service's own.

        It is the organisation's where its own file switches the channel on.
        """
        return org if self._orgs.get(org, OrgFile()).slack.enabled else ""

    @property
    def needs_credential(self) -> bool:
        """Whether the service's own settings use a stored password or webhook."""
        return bool((self._email.smtp and self._email.smtp.username) or self._slack.enabled)

    def _layers(self, org: str, channel: Channel, pipeline: Pipeline | None) -> Iterator[ChannelFile]:
        if pipeline is not None and pipeline.notifications:
            said = structure(pipeline.notifications, PipelineNotices)
            yield said.email if channel is Channel.EMAIL else said.slack
            yield said
        own = self._orgs.get(org, OrgFile())
        yield own.email if channel is Channel.EMAIL else own.slack
        yield self._email if channel is Channel.EMAIL else self._slack


def notification_path(path: str) -> bool:
    """Whether a file below configs/ is one of these."""
    return path in {EMAIL, SLACK} or bool(org_of(path))


def org_of(path: str) -> str:
    """Return the organisation whose settings a file holds; empty when it holds none."""
    return path[len(_ORGS) : -len(_FILE)] if path.startswith(_ORGS) and path.endswith(_FILE) else ""


def read_notifications(
    documents: Mapping[str, Document | None], allowed: frozenset[str], findings: Findings
) -> Notifications:
    """Make the settings of the files that are there; what is wrong is told in `findings`."""
    email = _read(documents.get(EMAIL), EmailFile, findings) or EmailFile()
    slack = _read(documents.get(SLACK), ChannelFile, findings) or ChannelFile()
    _report(documents.get(EMAIL), smtp_faults(email.smtp, allowed, ("smtp",)), findings)
    if email.enabled and email.smtp is None:
        _report(documents.get(EMAIL), [Fault(("enabled",), "mail needs an smtp server")], findings)
    orgs: dict[str, OrgFile] = {}
    for path, document in documents.items():
        org = org_of(path)
        if not org or document is None:
            continue
        if not SLUG.match(org):
            findings.problems.append(document.problem(f"{org[:80]!r} is not the name of an organisation"))
        own = _read(document, OrgFile, findings) or OrgFile()
        _report(document, smtp_faults(own.email.smtp, allowed, ("email", "smtp")), findings)
        if own.email.enabled and not (own.email.smtp or email.smtp):
            _report(
                document, [Fault(("email", "enabled"), "mail needs an smtp server, here or in the service's")], findings
            )
        orgs[org] = own
    return Notifications(email, slack, orgs)


def pipeline_faults(declared: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with `notifications` of a pipeline."""
    try:
        said = structure(declared, PipelineNotices)
    except Exception as error:  # noqa: BLE001 - cattrs lets through whatever a validator raises
        yield from faults(error, ("notifications",))
        return
    if said.email.smtp is not None:
        yield Fault(("notifications", "email", "smtp"), "a mail server is not a pipeline's to name", key=True)


def _read(document: Document | None, cls: type[T], findings: Findings) -> T | None:
    return read_as(document, cls, findings) if document else None


def _report(document: Document | None, found: Iterable[Fault], findings: Findings) -> None:
    if document is None:
        return
    for fault in found:
        findings.problems.append(document.problem(fault.message, *fault.path, key=fault.key))


def _first(layers: list[Any], pick: Callable[[Any], Any]) -> Any:
    return next((found for layer in layers if (found := pick(layer)) is not None), None)


def _server(smtp: SmtpFile) -> MailServer:
    return MailServer(
        smtp.host, smtp.port, smtp.tls, smtp.username, smtp.from_address, smtp.from_name, smtp.timeout_seconds
    )
