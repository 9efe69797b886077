"""Measures the running stack. Nothing here asserts a time: it prints what was seen, and under which conditions."""
