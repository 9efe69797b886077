"""The service: what stands on the wire and what composes it."""

import os

# gRPC writes what strangers send to it wrongly to stderr, between our own lines. It looks here once, when it is loaded.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # noqa: TID251 - there is no other way to tell it
