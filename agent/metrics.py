"""The only file with metric names. Counters are fed by passes; the rest is read when scraped."""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from agent.domain.actions import (
    Action,
    ConnectNetwork,
    CreateContainer,
    CreateNetwork,
    CreateVolume,
    DisconnectNetwork,
    PullImage,
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    StartContainer,
    StopContainer,
)
from agent.domain.outcomes import Blocked, Failed, Outcome, Succeeded
from schemas.current import NodeCurrent
from schemas.states import EngineState, MountState

#: a pass over 50 containers takes a tenth of a second; a hung engine takes its deadline
_PASS_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

#: Words of their own: dashboards must survive a class that is renamed.
_ACTIONS: Mapping[type[Action], str] = {
    StopContainer: "stop_container",
    RemoveContainer: "remove_container",
    DisconnectNetwork: "disconnect_network",
    RemoveNetwork: "remove_network",
    RemoveVolume: "remove_volume",
    CreateNetwork: "create_network",
    CreateVolume: "create_volume",
    PullImage: "pull_image",
    CreateContainer: "create_container",
    ConnectNetwork: "connect_network",
    StartContainer: "start_container",
}
_ENDS: Mapping[type[Outcome], str] = {
    Succeeded: "succeeded",
    Failed: "failed",
    Blocked: "blocked",
}
#: the engine's words for a container
_STATUSES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")


class Metrics:
    """One agent's numbers, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._passes = Histogram(
            "troopers_agent_pass_duration_seconds",
            "One pass of the loop",
            buckets=_PASS_BUCKETS_S,
            registry=registry,
        )
        self._actions = Counter(
            "troopers_agent_actions",
            "Actions by kind and outcome",
            ["action", "outcome"],
            registry=registry,
        )
        self._containers = _gauge(
            registry, "containers", "Our containers by the engine's status", "status"
        )
        self._problems = _gauge(
            registry, "problems", "Slots that are not what they must be, by code", "code"
        )
        self._mounts = _gauge(
            registry, "mounts", "Shared volumes on this node by the state of their mount", "state"
        )
        self._mount_states = _gauge(
            registry,
            "mount_state",
            "1 for the state that a shared volume's mount is in",
            "volume",
            "state",
        )
        self._hanging = _gauge(
            registry, "mount_processes_hanging", "Processes that a file server holds in the kernel"
        )
        self._mountd_answers = _gauge(
            registry, "mountd_answers", "Whether the shared volumes' states are of now"
        )
        self._engine_is_ready = _gauge(registry, "engine_ready", "Whether the engine can be read")
        self._bus_is_connected = _gauge(registry, "bus_connected", "Whether NATS is connected")
        self._is_settled = _gauge(
            registry, "settled", "Whether nothing is left to do, but for preparations"
        )
        self._epoch = _gauge(registry, "desired_epoch", "Of the document worked on")
        self._generation = _gauge(registry, "desired_generation", "Of the document worked on")
        self._is_refusing = _gauge(
            registry, "orders_refused", "Whether the newest document was refused"
        )
        self._is_saved = _gauge(registry, "orders_on_disk", "Whether the held document is on disk")
        self._events_dropped = Counter(
            "troopers_agent_events_dropped",
            "Events lost because the bus was away",
            registry=registry,
        )
        self._dropped = 0
        _fill(self._containers, _STATUSES, ())
        _fill(self._mounts, MountState, ())

    def count_pass(self, took_s: float, outcomes: tuple[Outcome, ...]) -> None:
        """A pass has ended, and found these actions ended."""
        self._passes.observe(took_s)
        for outcome in outcomes:
            self._actions.labels(_ACTIONS[type(outcome.action)], _ENDS[type(outcome)]).inc()

    def render(
        self,
        newest: NodeCurrent | None,
        *,
        is_connected: bool,
        is_saved: bool,
        dropped: int,
        hanging: int,
    ) -> bytes:
        """Prometheus' text format, with what the newest status says."""
        self._bus_is_connected.set(is_connected)
        self._is_saved.set(is_saved)
        self._events_dropped.inc(dropped - self._dropped)
        self._dropped = dropped
        self._hanging.set(hanging)
        if newest is not None:
            self._engine_is_ready.set(newest.engine.state is EngineState.READY)
            self._is_settled.set(newest.settled)
            self._epoch.set(newest.epoch)
            self._generation.set(newest.generation)
            self._is_refusing.set(bool(newest.refusal))
            _fill(self._containers, _STATUSES, (seen.status for seen in newest.containers))
            _fill(self._mounts, MountState, (mount.state for mount in newest.mounts))
            self._mountd_answers.set(all(mount.is_known for mount in newest.mounts))
            self._mount_states.clear()
            for mount in newest.mounts:
                self._mount_states.labels(mount.name, str(mount.state)).set(1)
            _fill(self._problems, (), (problem.code for problem in newest.problems))
        return generate_latest(self._registry)


def _gauge(registry: CollectorRegistry, name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(f"troopers_agent_{name}", meaning, labels, registry=registry)


def _fill(gauge: Gauge, always: Iterable[str], labels: Iterable[str]) -> None:
    """Those of `always` are shown as 0 too: an alert on a series that isn't there never fires."""
    tally = Tally(dict.fromkeys(always, 0))
    tally.update(labels)
    gauge.clear()
    for label, count in tally.items():
        gauge.labels(label).set(count)
