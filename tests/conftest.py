"""Engines the suite starts once and shares: one file each under tests/plugins."""

pytest_plugins: list[str] = [
    "tests.plugins.emulator",
    "tests.plugins.envoy",
    "tests.plugins.postgres",
    "tests.plugins.service",
]
