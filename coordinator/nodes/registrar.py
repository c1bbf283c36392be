"""`Registrar`: gives every node that reports, and is not known yet, a record and an index.

Reads: the store. Writes: KV `nodes`.
"""

from collections.abc import Collection

import structlog

from coordinator.clock import CLOCK, Clock
from coordinator.errors import RevisionConflict
from coordinator.nodes.indices import index_for
from coordinator.ports import EventSink
from coordinator.store.store import Store
from schemas.event import EventKind
from schemas.names import is_node_name
from schemas.records import NodeRecord

log = structlog.get_logger()


class Registrar:
    """Owns the joining of nodes."""

    def __init__(self, store: Store, events: EventSink, clock: Clock = CLOCK) -> None:
        self._store = store
        self._events = events
        self._clock = clock
        #: nodes that somebody else has registered, and the reading that did not show it
        self._taken: dict[str, int] = {}

    async def register(self, strangers: Collection[str]) -> None:
        """Every node but the strangers.

        Raises:
            RevisionConflict: somebody else has registered it; it is to be read again.
            BusUnavailable: it may be registered.
        """
        store = self._store
        for name in sorted(store.reports.keys() - store.nodes.keys()):
            # One whose record can't be read has one; it is for an operator to mend.
            if not is_node_name(name) or name in strangers or name in store.nodes.unreadable:
                continue
            if self._taken.get(name) == store.nodes.readings:
                continue
            taken = {record.index for record in store.nodes.values()}
            index = index_for(name, taken, store.documents, store.reports)
            try:
                record = NodeRecord(name=name, index=index, joined=self._clock.stamp())
                await store.nodes.put(name, record)
            except RevisionConflict:
                was_read_again = name in self._taken
                self._taken[name] = store.nodes.readings
                if was_read_again:
                    continue
                raise
            self._taken.pop(name, None)
            self._events.tell(EventKind.NODE_JOINED, f"node {name} joined", node=name)
            log.info("a node joined", node=name, index=index)
