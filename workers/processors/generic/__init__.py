"""Processors of no provider in particular."""
