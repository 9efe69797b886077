from __future__ import annotations

import pytest

from workers.model.apis import api_at, api_named
from workers.model.page import Api, Apis, Auth, Endpoint

COMPUTE = Api("https://compute.googleapis.com", ("compute.readonly",))
REAL = Endpoint(
    "GCP_SA", "https://x.googleapis.com", Auth("service_account"), apis=Apis({"compute": COMPUTE}, "googleapis.com")
)
STAND_IN = "http://127.0.0.1:8123/google/"


def standing_in(endpoint: Endpoint) -> Endpoint:
    return Endpoint(
        endpoint.provider,
        endpoint.base_url,
        endpoint.auth,
        apis=Apis(endpoint.apis.by_name, endpoint.apis.domain, STAND_IN),
    )


def test_an_api_has_its_own_host_and_scopes() -> None:
    found = api_named(REAL, "compute")
    assert (found.base_url, found.auth.scopes) == ("https://compute.googleapis.com", ("compute.readonly",))


def test_an_api_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no API 'storage'; there are compute"):
        api_named(REAL, "storage")


def test_a_url_of_a_declared_api_has_its_scopes() -> None:
    found, path = api_at(REAL, "https://compute.googleapis.com/compute/v1/x")
    assert (found.base_url, path, found.auth.scopes) == (COMPUTE.base_url, "/compute/v1/x", ("compute.readonly",))


def test_a_url_of_another_api_of_the_domain_has_no_scopes() -> None:
    found, path = api_at(REAL, "https://things.googleapis.com/v1")
    assert (found.base_url, path, found.auth.scopes) == ("https://things.googleapis.com", "/v1", ())


def test_a_stand_in_takes_the_place_of_every_host_and_keeps_the_path() -> None:
    base = STAND_IN.rstrip("/")
    assert api_named(standing_in(REAL), "compute").base_url == base
    found, path = api_at(standing_in(REAL), "https://things.googleapis.com/v1/things")
    assert (found.base_url, path) == (base, "/v1/things")


@pytest.mark.parametrize(
    "url",
    [
        "http://compute.googleapis.com/x",
        "https://googleapis.com/x",
        "https://googleapis.com.evil.com/x",
        "https://evilgoogleapis.com/x",
        "https://u@compute.googleapis.com/x",
        "https://compute.googleapis.com:8443/x",
        "https://evil.com/.googleapis.com",
        "https://compute.googleapis.com/x?a=1",
        "https://compute.googleapis.com/x#a",
        "//compute.googleapis.com/x",
    ],
)
def test_the_credential_goes_nowhere_else(url: str) -> None:
    for endpoint in (REAL, standing_in(REAL)):
        with pytest.raises(ValueError, match="a URL"):
            api_at(endpoint, url)


def test_a_provider_without_a_domain_has_no_urls() -> None:
    with pytest.raises(ValueError, match="where the credential may be sent"):
        api_at(Endpoint("X", "https://x.example.com"), "https://x.example.com/a")
