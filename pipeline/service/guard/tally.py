"""What is counted of the requests, in Prometheus' words; one set of counters a process."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

#: Kept apart from the library's own registry, so that nothing else appears among them.
REGISTRY = CollectorRegistry()

REQUESTS = Counter(
    "hazmon_requests", "Requests answered, by route and status", ("method", "route", "status"), registry=REGISTRY
)

SECONDS = Histogram(
    "hazmon_request_seconds",
    "Time from a request's head to the end of its answer, streams excepted",
    ("route",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)

SENT = Counter("hazmon_response_bytes", "Bytes of answers, compressed as sent", ("route",), registry=REGISTRY)

RUNNING = Gauge(
    "hazmon_requests_in_flight", "Requests being answered, streams excepted", registry=REGISTRY, multiprocess_mode="livesum"
)

STREAMS = Gauge("hazmon_streams_open", "Event streams kept open", registry=REGISTRY, multiprocess_mode="livesum")
