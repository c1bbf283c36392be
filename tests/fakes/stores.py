"""Stores over buckets in memory, and ways to let them know something without a bus."""

from typing import TypeVar

from pydantic import BaseModel

from coordinator.store.nodes import Health, NodePicture
from coordinator.store.store import Buckets, Store
from coordinator.store.table import Rows, Table
from schemas.records import NodeRecord
from tests.builders import TIME
from tests.fakes.buckets import FakeBucket

Model = TypeVar("Model", bound=BaseModel)


def some_buckets() -> Buckets:
    return Buckets(
        projects=FakeBucket(),
        volumes=FakeBucket(),
        nodes=FakeBucket(),
        desired=FakeBucket(),
        revisions=FakeBucket(),
        routes=FakeBucket(),
    )


def a_store() -> Store:
    return Store(some_buckets())


def remember(table: Table[Model], key: str, value: Model) -> None:
    """As if the bucket had this now."""
    if table.get(key) is not value:
        table.remember(key, value, table.newest + 1)


def know(store: Store, node: NodePicture) -> None:
    """Everything that the picture of a node says."""
    record = NodeRecord(
        name=node.name, index=node.index, joined=node.joined or TIME, is_cordoned=node.is_cordoned
    )
    if store.nodes.get(node.name) != record:
        remember(store.nodes, node.name, record)
    _set(store.reports, node.name, node.current)
    health = Health(node.state, node.silent_for_s, node.silent_since)
    if store.health.get(node.name) != health:
        store.health.set(node.name, health)
    _set(store.refused, node.name, node.refused_because or None)
    _set(store.behind, node.name, node.behind_since or None)


Value = TypeVar("Value")


def _set(rows: Rows[Value], key: str, value: Value | None) -> None:
    if value is None:
        rows.forget(key)
    else:
        rows.set(key, value)
