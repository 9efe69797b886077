"""Engines the suite starts once and shares: one file each under tests/plugins."""

from hypothesis import settings

pytest_plugins: list[str] = [
    "tests.plugins.bigquery",
    "tests.plugins.emulator",
    "tests.plugins.envoy",
    "tests.plugins.postgres",
    "tests.plugins.sandbox",
    "tests.plugins.service",
]

# An example that waits for a busy core is not slow code.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
