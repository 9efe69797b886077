"""The service: what stands on the wire and what composes it."""
