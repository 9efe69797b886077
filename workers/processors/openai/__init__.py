"""OpenAI: usage, reported cost, computed cost, prices."""
