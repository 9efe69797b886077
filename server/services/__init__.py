"""The RPCs: protobuf in, runtime asked, protobuf out."""
