"""Stands in for the cloud on a laptop; nothing of the service depends on it."""
