"""What the operator counts, for Prometheus; docs/metrics.md lists it for its readers."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from wfe.runtime.copies.lag import Lag

FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SLOW: Final = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400)
CONFLICT: Final = 409


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.requests = Counter(
            "wfe_api_requests", "Requests to the API server.", ["verb", "resource", "code"], registry=own
        )
        self.request_seconds = Histogram(
            "wfe_api_request_seconds", "How long they took.", ["verb", "resource"], buckets=FAST, registry=own
        )
        self.status_writes = Counter(
            "wfe_status_writes", "Writes of instances' statuses.", ["result"], registry=own
        )
        self.transitions = Counter(
            "wfe_transitions",
            "Changes of the states of instances and steps.",
            ["kind", "status"],
            registry=own,
        )
        self.instances = Gauge("wfe_instances", "Instances that are active.", ["phase"], registry=own)
        self.instance_seconds = Histogram(
            "wfe_instance_seconds",
            "From the start of instances to their end.",
            ["status"],
            buckets=SLOW,
            registry=own,
        )
        self.dispatch_seconds = Histogram(
            "wfe_step_dispatch_seconds", "From an attempt's save to its start.", buckets=FAST, registry=own
        )
        self.queue_depth = Gauge(
            "wfe_queue_depth", "Objects that wait to be looked at.", ["queue"], registry=own
        )
        self.reconcile_seconds = Histogram(
            "wfe_reconcile_seconds",
            "How long looking at one took.",
            ["queue", "result"],
            buckets=FAST,
            registry=own,
        )
        self.watch_age = Gauge(
            "wfe_watch_age_seconds", "Since the last word of a watch.", ["resource"], registry=own
        )
        self.loop_lag = Gauge(
            "wfe_loop_lag_seconds",
            "By how much the event loop was late at most in the last minute.",
            registry=own,
        )
        self.sessions = Gauge("wfe_exec_sessions", "Supervisors that are connected.", registry=own)
        self.shards = Gauge("wfe_shards", "Shards that this replica works; there are 256.", registry=own)
        self.rooms = Gauge("wfe_rooms", "Namespaces that are worked in.", registry=own)
        self.copy_lag = Gauge(
            "wfe_copy_lag_seconds",
            "The age of the oldest that is on its way to a copy.",
            ["copy"],
            registry=own,
        )
        self.copy_waiting = Gauge(
            "wfe_copy_waiting", "Instances or lines that are on their way to a copy.", ["copy"], registry=own
        )
        self.copy_again = Gauge(
            "wfe_copy_again",
            "Attempts or instances of which something has to be read again.",
            ["copy"],
            registry=own,
        )
        self.copy_arrived = Gauge(
            "wfe_copy_arrived",
            "Instances or lines that this term has sent to a copy.",
            ["copy"],
            registry=own,
        )
        self.copy_refused = Gauge(
            "wfe_copy_refused", "Those that a copy can never take.", ["copy"], registry=own
        )
        self.copy_trouble = Gauge(
            "wfe_copy_trouble", "Whether a copy takes nothing just now.", ["copy"], registry=own
        )
        self.reviews = Counter(
            "wfe_admission_reviews", "Objects that the webhook looked at.", ["kind", "result"], registry=own
        )

    def copies(self, lags: Mapping[str, Lag]) -> None:
        """Take over how far copies are behind."""
        for copy, lag in lags.items():
            self.copy_lag.labels(copy).set(lag.behind.total_seconds())
            self.copy_waiting.labels(copy).set(lag.waiting)
            self.copy_again.labels(copy).set(lag.again)
            self.copy_arrived.labels(copy).set(lag.arrived)
            self.copy_refused.labels(copy).set(lag.refused)
            self.copy_trouble.labels(copy).set(bool(lag.trouble))

    def observe(self, verb: str, resource: str, code: int, seconds: float) -> None:
        """Count a request; the client calls this."""
        self.requests.labels(verb, resource, str(code)).inc()
        self.request_seconds.labels(verb, resource).observe(seconds)
        if verb == "patch" and resource == "workflowinstances":
            result = "conflict" if code == CONFLICT else "written" if 200 <= code < 300 else "failed"
            self.status_writes.labels(result).inc()

    def text(self) -> bytes:
        """Return them as Prometheus reads them."""
        return generate_latest(self.registry)
