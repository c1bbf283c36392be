"""Node health: ready, suspect or down, judged from silence; pure, on one monotonic clock.

A node is judged only while our own link to the bus has been steady for a while. Until then every
node keeps the state it had, and afterwards its silence counts from the moment the link was back:
what we could not hear says nothing about a node.

    ready    --suspect_after_s of silence-->  suspect  --down_after_s of silence-->  down
    suspect  --a heartbeat-->  ready
    down     --a heartbeat-->  suspect  --return_after_s without another silence-->  ready

A suspect node keeps what it has and takes nothing new. The last line is what calms a flapping
link: containers leave a node when it goes down, and nothing new goes there until it has been
heard steadily. A link that comes and goes thus moves a container at most once.

Mass silence freezes rescheduling: the likelier cause is the network or the bus, and starting
everything twice would be the greater damage. States are still told as they are. The freeze ends
when enough nodes return. Nodes that fell silent at different times are no mass silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from coordinator.store.nodes import SUSPECT_AFTER_S
from schemas.states import NodeState


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The limits of patience, for heartbeats every two seconds."""

    suspect_after_s: float = SUSPECT_AFTER_S
    #: one heartbeat more than `suspect_after_s` at least: when the first node of a mass silence
    #: goes down, all the others must be suspect already
    down_after_s: float = 8.0
    #: with more than this share of the nodes silent, and at least two, rescheduling is frozen
    silence_share_max: float = 0.3
    #: nodes that fell silent within this time of each other did so at once
    silence_window_s: float = 30.0
    #: an agent reports at least this often, so a report may be so much older than its silence
    report_period_s: float = 60.0
    #: our own link must have been steady for this long: every healthy node has had the time to
    #: reconnect and send two heartbeats
    settle_s: float = 6.0
    #: a node that was down must be heard for this long before it takes anything new
    return_after_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is believed of every node."""

    states: Mapping[str, NodeState]
    #: nothing may be rescheduled now
    frozen: bool = False
    #: why, in words
    reason: str = ""
    #: nodes that are back from being down, and when they were first heard again; the next
    #: judgement needs it
    returning: Mapping[str, float] = field(default_factory=dict)


_DEFAULT_THRESHOLDS = Thresholds()
_NOBODY: Mapping[str, float] = {}


def judge(
    last_seen: Mapping[str, float],
    previous: Mapping[str, NodeState],
    now: float,
    bus_settled_since: float | None,
    thresholds: Thresholds = _DEFAULT_THRESHOLDS,
    *,
    returning: Mapping[str, float] = _NOBODY,
    last_report: Mapping[str, float] = _NOBODY,
) -> Verdict:
    """Judge every node that is in `last_seen` or in `previous`.

    `last_seen` has the time of each node's newest heartbeat; a node that has never been heard is
    only in `previous`. A new one is only in `last_seen`. `returning` is the last verdict's.
    `last_report` tells of nodes that this process has never heard when they reported last; both are
    on the clock of `now`.
    """
    nodes = sorted(last_seen.keys() | previous.keys())
    if bus_settled_since is None or now - bus_settled_since < thresholds.settle_s:
        states = {node: previous.get(node, NodeState.READY) for node in nodes}
        kept = {node: since for node, since in sorted(returning.items()) if node in states}
        return Verdict(
            states, frozen=True, reason="the link to the bus is not settled", returning=kept
        )
    states = {}
    still_returning: dict[str, float] = {}
    silent: list[str] = []
    for node in nodes:
        before = previous.get(node, NodeState.READY)
        seen = last_seen.get(node)
        if seen is not None and now - seen < thresholds.suspect_after_s:
            since = seen if before is NodeState.DOWN else returning.get(node)
            if since is not None and now - since < thresholds.return_after_s:
                still_returning[node] = since
            states[node] = NodeState.SUSPECT if node in still_returning else NodeState.READY
        else:
            heard = bus_settled_since if seen is None else max(seen, bus_settled_since)
            states[node] = _silent_state(before, now - heard, thresholds)
            if states[node] is not NodeState.READY:
                silent.append(node)
            if states[node] is NodeState.SUSPECT and node in returning:
                # Heard, but not steadily: its time of trial starts again.
                still_returning[node] = now
    # Nodes that are just coming back count as well: the rest of them may be about to.
    fell_silent = {**last_report, **last_seen}
    is_rough = any(node not in last_seen for node in silent)
    window_s = thresholds.silence_window_s + (thresholds.report_period_s if is_rough else 0.0)
    suspicious = _at_once(silent, fell_silent, window_s) + len(still_returning.keys() - silent)
    frozen = suspicious > 1 and suspicious > thresholds.silence_share_max * len(nodes)
    reason = f"{suspicious} of {len(nodes)} nodes fell silent at once" if frozen else ""
    return Verdict(states, frozen, reason, still_returning)


def _silent_state(before: NodeState, silence_s: float, thresholds: Thresholds) -> NodeState:
    """The state after so much silence, which alone never makes a node look better."""
    if before is NodeState.DOWN or silence_s >= thresholds.down_after_s:
        return NodeState.DOWN
    return NodeState.SUSPECT if silence_s >= thresholds.suspect_after_s else before


def _at_once(silent: list[str], fell_silent: Mapping[str, float], window_s: float) -> int:
    """The most nodes that fell silent within one window.

    Nodes that were lost one by one over the months must not freeze anything, however many they
    are, nor when the coordinator starts anew. Those of which nobody knows when they fell silent
    count as having done it together.
    """
    times = sorted(fell_silent[node] for node in silent if node in fell_silent)
    most = len(silent) - len(times)
    first = 0
    for last, time in enumerate(times):
        while time - times[first] > window_s:
            first += 1
        most = max(most, last - first + 1)
    return most
