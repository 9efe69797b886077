"""The provider registry, configs/system/providers.yml: where each provider's API is and how it is spoken to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal
from urllib.parse import urlsplit

from attrs import field, frozen
from attrs.validators import and_, ge, gt, le

from workers.catalog.documents import Document
from workers.catalog.egress import header_faults, url_fault
from workers.catalog.faults import Fault
from workers.catalog.problems import Findings, Problem
from workers.catalog.structure import read_as
from workers.model.credential import CredentialForm, CredentialType
from workers.model.failure import Code, Reason, refused
from workers.model.page import TOKEN_KINDS, Api, Apis, Auth, Endpoint, Limits, Proof


@frozen
class AuthFile:
    """How the credential is sent; `name` is the header or query parameter where the type needs one.

    Of the types of `model.page.TOKEN_KINDS` it is exchanged for an access token at the provider's `token_url`.
    """

    type: Literal[
        "bearer",
        "header",
        "query",
        "basic",
        "none",
        "service_account",
        "oauth2_client_credentials",
        "oauth2_refresh_token",
    ]
    name: str = ""
    audience: str = ""
    client_auth: Literal["basic", "body"] = "basic"


@frozen
class LimitsFile:
    """Bounds for one credential, as `model.page.Limits`."""

    requests_per_minute: float = field(default=60.0, validator=and_(gt(0), le(60_000)))
    burst: int = field(default=10, validator=and_(ge(1), le(10_000)))
    page_bytes: int = field(default=64 * 1024 * 1024, validator=and_(ge(1024), le(1024**3)))
    request_seconds: float = field(default=60.0, validator=and_(gt(0), le(600)))
    pages: int = field(default=100_000, validator=and_(ge(1), le(10_000_000)))
    attempts: int = field(default=3, validator=and_(ge(1), le(10)))
    polls_per_minute: float = field(default=0.0, validator=and_(ge(0), le(60_000)))
    poll_burst: int = field(default=1, validator=and_(ge(1), le(10_000)))


@frozen
class CredentialFile:
    """What is stored for an organisation: its type, and how an API key begins."""

    type: Literal["API_KEY", "SERVICE_ACCOUNT_JSON"] = "API_KEY"
    prefix: str = ""


@frozen
class ValidationFile:
    """A cheap call that only a working credential can make; `needs` tells people what a credential has to be for it."""

    path: str
    needs: str
    method: Literal["GET", "POST"] = "GET"
    params: Mapping[str, str] = field(factory=dict)


@frozen
class PricingFile:
    """Where usage has its price from: a file of dated list prices below configs/, and the table it is loaded to."""

    prices: str
    table: str


@frozen
class ApiFile:
    """One of several APIs of a provider, on a host of its own."""

    base_url: str
    scopes: tuple[str, ...] = ()


@frozen
class ProviderFile:
    """One entry of the registry; `base_url_setting` names the setting that overrides `base_url`.

    Without a `base_url` only its credential is kept: what speaks to it has its address from elsewhere.
    Hosts of `apis`, and of URLs that steps name, are below `domain`; the override takes the place of each of them.
    """

    name: str
    type: Literal["llm", "cloud", "saas", "notification"]
    auth: AuthFile
    base_url: str = ""
    base_url_setting: str = ""
    domain: str = ""
    apis: Mapping[str, ApiFile] = field(factory=dict)
    token_url: str = ""
    token_url_setting: str = ""
    scopes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(factory=dict)
    limits: LimitsFile = LimitsFile()
    credential: CredentialFile = CredentialFile()
    validation: ValidationFile | None = None
    pricing: PricingFile | None = None
    tables: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@frozen
class ProvidersFile:
    """configs/system/providers.yml."""

    providers: Mapping[str, ProviderFile]


@frozen
class Provider:
    """A provider with its overrides applied; `slug` is the name that credentials are stored under."""

    slug: str
    declared: ProviderFile
    endpoint: Endpoint
    token_url: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name credentials of it may be stored under, its own first."""
        return (self.slug, *self.declared.aliases)


class Providers:
    """Finds providers by name or alias."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = providers
        self._by_name = {name: one for one in providers.values() for name in one.names}

    def canonical(self, name: str) -> str:
        """Return the name a provider is known by; a name that is not registered stands for itself."""
        found = self._by_name.get(name.upper())
        return found.slug if found else name.upper()

    def knows(self, name: str) -> bool:
        """Whether a provider is registered under the name."""
        return name.upper() in self._by_name

    def find(self, name: str) -> Provider:
        """Return the provider; raises FailedError(CONFIG_INVALID) when it is not registered."""
        found = self._by_name.get(name.upper())
        if found is None:
            raise refused(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, f"there is no provider {name!r}")
        return found

    def names(self, name: str) -> tuple[str, ...]:
        """Return every name credentials of a provider may be stored under, its own first."""
        found = self._by_name.get(name.upper())
        return found.names if found else (name.upper(),)


def read_providers(document: Document | None, overrides: Mapping[str, str], findings: Findings) -> Providers:
    """Make the registry; `overrides` are the settings that replace URLs, as setting → URL."""
    declared = read_as(document, ProvidersFile, findings) if document else None
    if document is None or declared is None:
        return Providers({})
    for fault in _faults(declared):
        findings.problems.append(document.problem(fault.message, *fault.path, key=fault.key))
    for setting, url in overrides.items():
        if urlsplit(url).scheme not in {"http", "https"} or "@" in url:
            findings.problems.append(Problem(setting, 0, 0, "must be an http or https URL without a user"))
    return Providers({slug: _provider(slug, one, overrides) for slug, one in declared.providers.items()})


def _provider(slug: str, declared: ProviderFile, overrides: Mapping[str, str]) -> Provider:
    limits = declared.limits
    endpoint = Endpoint(
        provider=slug,
        base_url=overrides.get(declared.base_url_setting, declared.base_url).rstrip("/"),
        auth=_auth(slug, declared, overrides),
        headers=declared.headers,
        limits=Limits(
            limits.requests_per_minute,
            limits.burst,
            limits.page_bytes,
            limits.request_seconds,
            limits.pages,
            limits.attempts,
            limits.polls_per_minute,
            limits.poll_burst,
        ),
        form=CredentialForm(CredentialType(declared.credential.type), declared.credential.prefix),
        proof=_proof(declared.validation),
        apis=_apis(declared, overrides),
    )
    return Provider(slug, declared, endpoint, endpoint.auth.token_url)


def _apis(declared: ProviderFile, overrides: Mapping[str, str]) -> Apis:
    by_name = {name: Api(api.base_url, api.scopes) for name, api in declared.apis.items()}
    return Apis(by_name, declared.domain, overrides.get(declared.base_url_setting, ""))


def _auth(slug: str, declared: ProviderFile, overrides: Mapping[str, str]) -> Auth:
    auth = declared.auth
    # An override leads to another door of the same house, so an assertion still names whom the file names.
    audience = auth.audience or (declared.token_url if auth.type == "service_account" else "")
    token_url = overrides.get(declared.token_url_setting, declared.token_url)
    return Auth(
        auth.type,
        auth.name,
        slug,
        token_url=token_url,
        scopes=declared.scopes,
        audience=audience,
        client_auth=auth.client_auth,
    )


def _proof(declared: ValidationFile | None) -> Proof | None:
    if declared is None:
        return None
    return Proof(declared.path, tuple(declared.params.items()), declared.method, declared.needs)


def _faults(declared: ProvidersFile) -> Iterator[Fault]:
    taken = set(declared.providers)
    for slug, one in declared.providers.items():
        at = ("providers", slug)
        if slug != slug.upper() or not slug.isidentifier():
            yield Fault(at, f"{slug!r} must be upper case letters, digits and underscores", key=True)
        for index, alias in enumerate(one.aliases):
            if alias in taken:
                yield Fault((*at, "aliases", index), f"{alias} is the name of another provider already")
            taken.add(alias)
        for place in ("base_url", "token_url"):
            why = url_fault(getattr(one, place), frozenset()) if getattr(one, place) else ""
            if why:
                yield Fault((*at, place), why)
        yield from header_faults(one.headers, (*at, "headers"))
        yield from _auth_faults(one, at)
        yield from _api_faults(one, (*at, "apis"))


def _auth_faults(one: ProviderFile, at: tuple[str, ...]) -> Iterator[Fault]:
    if (one.auth.type in {"header", "query"}) is not bool(one.auth.name):
        yield Fault((*at, "auth"), "auth of type header or query, and only that, has a name")
    if one.auth.type in TOKEN_KINDS and not one.token_url:
        yield Fault((*at, "auth"), f"auth of type {one.auth.type} needs a token_url")
    if not one.base_url and (one.auth.type != "none" or one.validation):
        yield Fault(at, "without a base_url there is nothing to authenticate at or to validate by", key=True)


def _api_faults(one: ProviderFile, at: tuple[str | int, ...]) -> Iterator[Fault]:
    for name, api in one.apis.items():
        why = url_fault(api.base_url, frozenset())
        if not why and not (one.domain and (urlsplit(api.base_url).hostname or "").endswith(f".{one.domain}")):
            why = "the host must be below the provider's domain"
        if why:
            yield Fault((*at, name, "base_url"), why)
