"""Generators a developer runs; nothing imports them."""
