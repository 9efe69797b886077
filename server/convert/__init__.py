"""Protobuf to model values and back: pure, and the only place that knows both."""
