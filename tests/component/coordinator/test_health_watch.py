"""Events about nodes: none is lost when one coordinator takes over from another."""

import time

import pytest

from coordinator.nodes.health_watch import HealthWatch
from coordinator.store.picture import Held, Picture
from schemas.event import Event
from schemas.records import NodeRecord

LONG_AGO = 0.0


class Cluster:
    """Three nodes that were heard just now, and a watch over them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.monotonic() + 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        self.picture = Picture()
        for number in (1, 2, 3):
            record = NodeRecord(name=f"n{number}", index=number, joined="now")
            self.picture.nodes[record.name] = Held(record, number)
        self.hear("n1", "n2", "n3")
        self.watch = HealthWatch(self.picture)
        self.told: list[str] = []

    def hear(self, *nodes: str) -> None:
        self.picture.last_seen |= dict.fromkeys(nodes, self.now)

    def judge(self, *, active: bool) -> None:
        self.watch.judge(LONG_AGO, tell=self.note if active else None)

    def note(self, told: Event) -> None:
        self.told.append(told.message)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    return Cluster(monkeypatch)


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
