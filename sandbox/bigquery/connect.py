"""A google-cloud-bigquery client of the emulator: its endpoint and no credentials."""

from __future__ import annotations

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

PROJECT = "local-dev-project"


def connect(rest: str, project: str = PROJECT) -> bigquery.Client:
    """Return a client of the emulator at `rest` (http://host:port); close it when done. It blocks."""
    return bigquery.Client(
        project=project,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": rest},
    )
