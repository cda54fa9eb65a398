"""How things stand: probes for supervisors, a board for people, metrics for Prometheus."""

from pipeline.service.status.routes import router

__all__ = ["router"]
