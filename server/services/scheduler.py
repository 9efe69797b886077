"""SchedulerService; none of its methods is done yet."""

from __future__ import annotations

from datapipeline.v1 import scheduler_pb2_grpc

from server.services.not_yet import not_yet


@not_yet
class SchedulerService(scheduler_pb2_grpc.SchedulerServiceServicer):
    """Triggers due pipelines and manages schedules."""
