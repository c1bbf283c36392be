"""`validate`: what is always true of a store, whatever has happened. Pure.

Cheap enough for every test of a loop, too dear for every pass: it makes the indexes again.
"""

from collections.abc import Iterator

from coordinator.store.indexes import Documented, Reported
from coordinator.store.placements import Placed
from coordinator.store.store import Store
from schemas.names import SlotKey
from schemas.states import State


def validate(store: Store) -> None:
    """Raise where the store contradicts itself.

    Raises:
        AssertionError: says what is wrong, with all else that is.
    """
    faults = list(_faults(store))
    if faults:
        raise AssertionError("; ".join(faults))


def _faults(store: Store) -> Iterator[str]:
    yield from _unfaithful_indexes(store)
    for name in store.nodes.keys() | store.documents.keys():
        if name not in store.known:
            yield f"node {name} has joined and is not known"
    for name, node in store.known.items():
        if name not in store.nodes and name not in store.documents:
            yield f"node {name} is known and has never joined"
        if node.current is not store.reports.get(name):
            yield f"node {name} is known by an older report than the one that is there"
    for name, table in store.tables.items():
        for key in table:
            if not table.revision(key):
                yield f"{name}/{key} has no revision"
            if table.revision(key) > table.newest:
                yield f"{name}/{key} is newer than its bucket"
    yield from _misplaced(store)


def _unfaithful_indexes(store: Store) -> Iterator[str]:
    documented, reported, placed = Documented(_nobody), Reported(_nobody, _nobody), Placed()
    for name, document in store.documents.items():
        documented.hear(name, None, document)
    for name, report in store.reports.items():
        reported.hear(name, None, report)
    for name, placement in store.placements.items():
        placed.hear(name, None, placement)
    if documented.rows != store.documented.rows:
        yield "the index of documents is not that of the documents"
    if reported.rows != store.reported.rows:
        yield "the index of reports is not that of the reports"
    if placed.rows != store.placed.rows:
        yield "the index of the placement is not that of the placement"


def _misplaced(store: Store) -> Iterator[str]:
    for project, placement in store.placements.items():
        record = store.projects.get(project)
        is_followed = store.applied.get(project) == store.projects.revision(project)
        is_deleted = record is not None and record.desired_state is State.DELETED
        if is_deleted and is_followed and placement.assigned:
            yield f"project {project} is deleted and has places"
        for slot in (*placement.assigned, *placement.unplaced):
            if slot.project != project:
                yield f"{slot} is placed with project {project}"
    owners: dict[SlotKey, str] = {}
    for node in sorted(store.known):
        for slot in store.placed.at(node):
            if owners.setdefault(slot, node) != node:
                yield f"{slot} is placed on {owners[slot]} and on {node}"


def _nobody(_project: str) -> None:
    """Nobody is told."""
