"""The google-cloud-bigquery client, with as many connections as there are threads to use them."""

from __future__ import annotations

from google.api_core.client_info import ClientInfo
from google.auth import default
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery
from requests.adapters import HTTPAdapter

_SCOPES = ("https://www.googleapis.com/auth/bigquery",)


def connect(
    project: str,
    location: str,
    *,
    endpoint: str = "",
    connections: int = 16,
    credentials: Credentials | None = None,
) -> bigquery.Client:
    """Return a client. With an `endpoint` (an emulator's http URL) and no credentials it presents none.

    Without either it finds the application's default credentials, and raises DefaultCredentialsError when there are
    none. Nothing is asked of the server.
    """
    credentials = credentials or own_credentials(endpoint)
    session = AuthorizedSession(credentials)
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=connections)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.trust_env = False
    return bigquery.Client(
        project=project,
        credentials=credentials,
        _http=session,
        location=location or None,
        client_info=ClientInfo(user_agent="data-pipeline-service"),
        client_options={"api_endpoint": endpoint} if endpoint else None,
    )


def own_credentials(endpoint: str) -> Credentials:
    """Return what the service presents as itself: nothing to an emulator, else the application's default."""
    return AnonymousCredentials() if endpoint else default(scopes=_SCOPES)[0]
