"""`ShownDocuments`: where slots are by the documents, for who decides nothing.

A standby shows that, and a coordinator that is halted. Reads and writes: the store.
"""

from coordinator.store.changes import Kind
from coordinator.store.store import Store


class ShownDocuments:
    """Follows the store's documents."""

    def __init__(self, store: Store) -> None:
        self._store = store
        #: the version of the store up to which they are shown
        self._version = 0

    def follow(self) -> None:
        """Show what has changed."""
        store = self._store
        changes = store.changes.since(self._version)
        self._version = store.changes.version
        names = (
            {*store.placements, *store.projects, *store.doubts}
            if changes is None
            else {*changes.of(Kind.HOMES), *changes.of(Kind.PROJECT), *changes.of(Kind.DOUBT)}
        )
        for name in sorted(names):
            placement = store.documented_placement(name)
            if not placement.assigned and name not in store.projects and name not in store.doubts:
                store.placements.forget(name)
            elif store.placements.get(name) != placement:
                store.placements.set(name, placement)
