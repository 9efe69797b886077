"""Several APIs of one provider behind one credential: the endpoint of one that a step names. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from attrs import evolve

from workers.model.page import Endpoint


def api_named(endpoint: Endpoint, name: str) -> Endpoint:
    """Return the endpoint of an API; raises ValueError naming those there are."""
    apis = endpoint.apis
    if name not in apis.by_name:
        raise ValueError(f"there is no API {name[:40]!r}; there are {', '.join(sorted(apis.by_name))}")
    return _at(endpoint, apis.by_name[name].base_url, apis.by_name[name].scopes)


def api_at(endpoint: Endpoint, url: str) -> tuple[Endpoint, str]:
    """Return the endpoint that a URL belongs to, and the path; raises ValueError for a host of somebody else's.

    An API that nobody declared has no scopes: whoever names it says them.
    """
    apis, parts = endpoint.apis, urlsplit(url)
    host = (parts.hostname or "").lower()
    ours = bool(apis.domain) and host.endswith(f".{apis.domain}")
    if parts.scheme != "https" or parts.netloc.lower() != host or not ours:
        raise ValueError(f"a URL must be https://….{apis.domain}/…, where the credential may be sent")
    if parts.query or parts.fragment:
        raise ValueError("a URL goes without a query; say it in params")
    known = [api for api in apis.by_name.values() if urlsplit(api.base_url).hostname == host]
    return _at(endpoint, f"https://{host}", known[0].scopes if known else ()), parts.path


def _at(endpoint: Endpoint, base_url: str, scopes: tuple[str, ...]) -> Endpoint:
    stand_in = endpoint.apis.stand_in.rstrip("/")
    base = f"{stand_in}{urlsplit(base_url).path}" if stand_in else base_url
    return evolve(endpoint, base_url=base.rstrip("/"), auth=evolve(endpoint.auth, scopes=scopes))
