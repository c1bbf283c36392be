"""Tells of slots that have moved to another node. Writes: events."""

import structlog

from coordinator.control.following import Following
from coordinator.ports import EventSink
from schemas.event import EventKind

log = structlog.get_logger()


def tell_moves(following: Following, events: EventSink) -> None:
    """Tell each move once."""
    moved, following.moved = following.moved, {}
    for key, (source, target) in moved.items():
        log.info("moved", slot=str(key), source=source, target=target)
        events.tell(
            EventKind.SLOT_MOVED,
            f"{key} moved from {source} to {target}",
            project=key.project,
            service=key.service,
            slot=key.slot,
        )
