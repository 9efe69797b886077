"""Anthropic: usage of the Messages API, cost as the provider reports it, Claude Code, computed cost; its key."""
