"""The API's own figures for Prometheus. Labels are route templates and statuses: never a path, a name or a key."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.responses import Response

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class ApiFigures:
    """Counts what was served; serves the registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._requests = Counter(
            "reachpoint_http_requests_total", "Requests served", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "reachpoint_http_seconds", "Time to serve", ["method", "route"], buckets=_SECONDS, registry=registry
        )

    def served(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was served. A method that HTTP does not know is counted as one label, not as many."""
        known = method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(seconds)

    async def metrics(self) -> Response:
        """The figures in Prometheus' text format."""
        return Response(generate_latest(self._registry), media_type=METRICS_TYPE)
