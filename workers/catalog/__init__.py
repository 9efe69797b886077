"""Looking things up: declarations, schemas, providers, organisations, credentials."""
