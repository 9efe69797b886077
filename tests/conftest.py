"""Engines the suite starts once and shares: one file each under tests/plugins."""

import structlog
from hypothesis import settings

pytest_plugins: list[str] = [
    "tests.plugins.balance",
    "tests.plugins.bigquery",
    "tests.plugins.captured",
    "tests.plugins.emulator",
    "tests.plugins.envoy",
    "tests.plugins.postgres",
    "tests.plugins.sandbox",
    "tests.plugins.service",
    "tests.plugins.timeouts",
]

# An example that waits for a busy core is not slow code.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

# Drawing an exception in colours takes a third of a second, and many a test is about one.
plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
