"""Metrics of a service, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ui.service.served import Libraries

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32)


class Metrics:
    """Counts requests, their seconds and the sizes of batches."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "picfuse_requests", "Requests.", ("route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "picfuse_request_seconds",
            "Seconds until an answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._batches = Histogram(
            "picfuse_batch_size",
            "Texts or pictures that were encoded together.",
            ("kind",),
            buckets=_SIZES,
            registry=self.registry,
        )
        self._pictures = Gauge(
            "picfuse_pictures",
            "Pictures that can be found.",
            ("library",),
            registry=self.registry,
        )
        self.waiting = Gauge(
            "picfuse_requests_in_progress",
            "Requests without an answer yet.",
            registry=self.registry,
        )

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def encoded(self, kind: str, size: int) -> None:
        """Count a batch of "texts" or "pictures"."""
        self._batches.labels(kind).observe(size)

    def page(self, libraries: Libraries) -> bytes:
        """All metrics in the format of Prometheus."""
        for served in libraries:
            with served.asking() as searcher:
                number = searcher.library.catalogue.number_present()
                self._pictures.labels(served.name).set(number)
        return generate_latest(self.registry)
