"""Looks things up: what configs/ declares, which organisations there are, and the credentials they stored."""

from workers.catalog.catalog import Catalog
from workers.catalog.problems import ConfigError, Problem

__all__ = ["Catalog", "ConfigError", "Problem"]
