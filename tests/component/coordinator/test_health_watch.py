"""Events about nodes: none is lost when one coordinator takes over from another."""

from datetime import UTC, datetime

import pytest

from coordinator.clock import Clock
from coordinator.nodes.health_watch import HealthWatch
from schemas.records import NodeRecord
from schemas.states import NodeState
from tests.component.coordinator.listeners import Sink
from tests.fakes.stores import a_store

LONG_AGO = 0.0


class Cluster:
    """Three nodes that were heard just now, and a watch over them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.store = a_store()
        for number in (1, 2, 3):
            record = NodeRecord(name=f"n{number}", index=number, joined="now")
            self.store.nodes.remember(record.name, record, number)
        self.hear("n1", "n2", "n3")
        self.watch = HealthWatch(self.store, self._clock())
        self.sink = Sink()

    def _clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: datetime.fromtimestamp(self.now, UTC))

    @property
    def told(self) -> list[str]:
        return [event.message for event in self.sink.events]

    def hear(self, *nodes: str) -> None:
        self.store.last_heard |= dict.fromkeys(nodes, self.now)

    def judge(self, *, active: bool) -> None:
        self.watch.judge(LONG_AGO, events=self.sink if active else None)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_a_node_that_died_with_the_active_coordinator_is_told_of_by_the_next(
    cluster: Cluster,
) -> None:
    cluster.judge(active=False)
    cluster.now += 9.0
    cluster.hear("n2", "n3")
    cluster.judge(active=False)
    assert cluster.told == []
    cluster.judge(active=True)
    cluster.judge(active=True)
    assert cluster.told == ["node n1 is down"]


def test_what_has_not_changed_is_not_told(cluster: Cluster) -> None:
    cluster.judge(active=True)
    cluster.hear("n1", "n2", "n3")
    cluster.judge(active=True)
    assert cluster.told == []


def test_what_is_believed_of_a_silent_node_changes_only_when_it_says_more(cluster: Cluster) -> None:
    cluster.now += 6.0
    cluster.hear("n2", "n3")
    cluster.judge(active=True)
    suspect = cluster.store.health["n1"]
    cluster.now += 1.0
    cluster.judge(active=True)
    assert cluster.store.health["n1"] is suspect
    assert (suspect.state, suspect.silent_for_s) == (NodeState.SUSPECT, 6.0)
    cluster.now += 1.0
    cluster.judge(active=True)
    assert cluster.store.health["n1"].state is NodeState.DOWN
    assert cluster.store.health["n1"].silent_since == suspect.silent_since
