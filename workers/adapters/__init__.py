"""Outside engines behind ports."""
