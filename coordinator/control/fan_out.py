"""`FanOut`: nodes' documents on their way into their bucket. Writes: KV `desired`."""

import asyncio
from collections.abc import Mapping

import structlog

from coordinator.control.following import Following
from coordinator.errors import RevisionConflict
from coordinator.failpoints import failpoint
from coordinator.ports import PassMeter
from coordinator.store.store import Store
from schemas.desired import NodeDesired
from schemas.errors import InvalidInput

log = structlog.get_logger()


class FanOut:
    """Writes documents side by side, each with compare-and-set."""

    def __init__(self, store: Store, meter: PassMeter) -> None:
        self._store = store
        self._meter = meter

    async def write(self, following: Following, changed: Mapping[str, NodeDesired]) -> None:
        """Write these documents. Raises Transient; those that were not written are made again."""
        results = await asyncio.gather(
            *(self._write(name, document) for name, document in changed.items()),
            return_exceptions=True,
        )
        for name, result in zip(changed, results, strict=True):
            if result is None:
                following.written(name)
            else:
                following.failed([name])
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _write(self, name: str, document: NodeDesired) -> None:
        failpoint("before_desired_put")
        outcome = "unavailable"
        store = self._store
        try:
            await store.documents.put(name, document)
            outcome = "ok"
        except RevisionConflict:
            outcome = "conflict"
            raise
        except InvalidInput as error:
            # Too large for the broker. Every other node gets its orders all the same, and this one
            # keeps its old ones.
            outcome = "refused"
            if store.refused.get(name) != str(error):
                store.refused.set(name, str(error))
                log.exception("a node's document can't be written", node=name)
            return
        finally:
            self._meter.count_write(outcome)
        failpoint("after_desired_put")
        store.refused.forget(name)
