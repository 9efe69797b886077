"""Credentials of organisations: proved, stored, and opened for later steps of a run."""
