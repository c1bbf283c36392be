"""`Metrics`: what the coordinator counts. The only file with metric names.

A registry of its own, so that tests and several coordinators in one process don't share counts.
Reads nothing: others tell it what happened.
"""

from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.process_collector import ProcessCollector

from coordinator.releases.table import ENDS
from schemas.release import ReleaseState
from schemas.states import NodeState, State

_PREFIX = "troopers_coordinator"
#: from a read out of memory to a stop that waits for its containers
_REQUEST_BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 20, 60)
#: from a turn of the loop to what costs the lease
_STALL_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)
#: a pass over a few projects takes milliseconds; over a thousand nodes, seconds
_PASS_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)


class Metrics:
    """Counts and gauges, and their exposition for Prometheus."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = self._counter(
            "http_requests", "HTTP requests answered.", "method", "route", "status"
        )
        self._request_seconds = self._histogram(
            "http_request_duration_seconds",
            "From a request's arrival to its answer.",
            _REQUEST_BUCKETS,
            "method",
            "route",
        )
        self._commands = self._counter(
            "commands", "Commands answered, by noun.verb.", "verb", "outcome"
        )
        self._refusals = self._counter(
            "refusals",
            "Requests refused unread, by what they asked for: busy with its kind, or late.",
            "kind",
            "cause",
        )
        self._nodes = self._gauge("nodes", "Nodes that have joined.", "state")
        self._services = self._gauge("services", "Services, by current state.", "state")
        self._passes = self._counter("passes", "Passes of the control loop.", "outcome")
        self._pass_seconds = self._histogram(
            "pass_duration_seconds", "One pass of the control loop.", _PASS_BUCKETS
        )
        self._writes = self._counter(
            "fanout_writes", "Writes of nodes' desired documents.", "outcome"
        )
        self._stalls = self._histogram(
            "loop_stall_seconds",
            "By how much the event loop was late, every 20 ms.",
            _STALL_BUCKETS,
        )
        self._longest_stall = self._gauge(
            "loop_stall_longest_seconds", "The longest stall of the event loop since the start."
        )
        self._doubted = self._gauge(
            "records_in_doubt", "Records that are lost, unreadable or an old copy.", "noun"
        )
        self._releases = self._gauge("releases", "Updates that are under way or wait.", "state")
        self._active = self._gauge("active", "1 while this coordinator holds the lease.")
        self._halted = self._gauge("halted", "1 while nothing is changed: NATS has lost data.")
        self._frozen = self._gauge(
            "rescheduling_frozen", "1 while nothing is moved off lost nodes."
        )
        # States with no member are shown as 0 from the start, so that alerts have something to read.
        self.set_nodes(())
        self.set_services(())
        self.set_releases(())

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """An HTTP request was answered. `route` is a pattern, never a path."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(method, route).observe(seconds)

    def count_command(self, noun: str, verb: str, outcome: str) -> None:
        """A command was answered: `outcome` is accepted or the rejection's code."""
        self._commands.labels(f"{noun}.{verb}", outcome).inc()

    def count_refusal(self, kind: str, cause: str) -> None:
        """A request was not let in: too much of its kind at once (busy), or the loop is late."""
        self._refusals.labels(kind, cause).inc()

    def count_pass(self, outcome: str, seconds: float) -> None:
        """A pass ended: settled, retry or failed."""
        self._passes.labels(outcome).inc()
        self._pass_seconds.observe(seconds)

    def count_write(self, outcome: str) -> None:
        """A desired document was written: ok, conflict, refused or unavailable."""
        self._writes.labels(outcome).inc()

    def count_stall(self, seconds: float) -> None:
        """The event loop was looked at, and was so late."""
        self._stalls.observe(seconds)

    def set_longest_stall(self, seconds: float) -> None:
        """The longest stall so far."""
        self._longest_stall.set(seconds)

    def set_doubted(self, *, projects: int, volumes: int) -> None:
        """How many records prove nothing now."""
        self._doubted.labels("project").set(projects)
        self._doubted.labels("volume").set(volumes)

    def set_nodes(self, states: Iterable[NodeState]) -> None:
        """The state of every node, now."""
        tally = Tally(states)
        for state in NodeState:
            self._nodes.labels(state.value).set(tally[state])

    def set_services(self, states: Iterable[State]) -> None:
        """The current state of every service, now."""
        tally = Tally(states)
        for state in State:
            self._services.labels(state.value).set(tally[state])

    def set_releases(self, states: Iterable[ReleaseState]) -> None:
        """The state of every release, now."""
        tally = Tally(states)
        for state in ReleaseState:
            if state not in ENDS:
                self._releases.labels(state.value).set(tally[state])

    def set_active(self, active: bool) -> None:
        """Whether this coordinator holds the lease."""
        self._active.set(active)

    def set_held_back(self, *, halted: bool, frozen: bool) -> None:
        """Whether nothing is changed now, and whether nothing is moved."""
        self._halted.set(halted)
        self._frozen.set(frozen)

    def exposition(self) -> tuple[bytes, str]:
        """The scrape's body and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", about, labels, registry=self._registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", about, labels, registry=self._registry)

    def _histogram(
        self, name: str, about: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(
            f"{_PREFIX}_{name}", about, labels, buckets=buckets, registry=self._registry
        )
