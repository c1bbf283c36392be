"""`Registrar`: gives every node that reports, and is not known yet, a record and an index.

Reads: the picture. Writes: KV `nodes`.
"""

from collections.abc import Collection

import structlog

from coordinator.bus.publisher import event, utc_now
from coordinator.errors import RevisionConflict
from coordinator.nodes.indices import index_for
from coordinator.ports import Bucket, EventSink
from coordinator.store.picture import Held, Picture
from schemas.event import EventKind
from schemas.names import is_node_name
from schemas.records import NodeRecord

log = structlog.get_logger()


class Registrar:
    """Owns the joining of nodes."""

    def __init__(self, picture: Picture, nodes: Bucket, events: EventSink) -> None:
        self._picture = picture
        self._nodes = nodes
        self._events = events
        #: nodes that somebody else has registered
        self._taken: set[str] = set()
        #: what was read last, and the nodes that can't be registered by what it shows
        self._read: object = None
        self._in_vain: set[str] = set()

    async def register(self, strangers: Collection[str]) -> None:
        """Everybody but the strangers. Raises Transient."""
        picture = self._picture
        if self._read is not picture.nodes:
            self._read, self._in_vain = picture.nodes, set()
        self._taken -= picture.nodes.keys()
        for name in sorted(picture.current.keys() - picture.nodes.keys() - self._in_vain):
            if not is_node_name(name) or name in strangers:
                continue
            taken = {held.value.index for held in picture.nodes.values()}
            index = index_for(name, taken, picture.held_documents(), picture.current)
            record = NodeRecord(name=name, index=index, joined=utc_now())
            try:
                revision = await self._nodes.put(name, record, 0)
            except RevisionConflict:
                self._in_vain.add(name)
                if name in self._taken:
                    # It was read again, and can't be read.
                    continue
                self._taken.add(name)
                raise
            picture.nodes[name] = Held(record, revision)
            self._events.tell(event(EventKind.NODE_JOINED, f"node {name} joined", node=name))
            log.info("a node joined", node=name, index=index)
