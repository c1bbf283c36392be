"""The desired document that the agent works on: read, accepted, kept on disk.

Reads: KV `desired`, this node's key, and the ledger. Writes: the ledger.
"""

from collections.abc import Mapping

import structlog

from agent.domain.acceptance import accept, with_parts_of
from agent.domain.actions import PullOrder
from agent.domain.observation import Pulled
from agent.errors import BusUnavailable
from agent.ports import Bus, Ledger
from schemas.codec import SchemaError
from schemas.desired import NodeDesired
from schemas.errors import InvalidInput

log = structlog.get_logger()


class Orders:
    """Holds the newest accepted document. With NATS gone, that is the last one."""

    def __init__(self, node: str, bus: Bus, ledger: Ledger) -> None:
        self.node = node
        self._bus = bus
        self._ledger = ledger
        self.held: NodeDesired | None = ledger.load()
        #: why the newest document was refused; empty when it was not
        self.refusal = ""
        #: the last reading failed on a link that stands, so nothing will say when to try again
        self.is_unread = False
        #: the orders that need no registry any more
        self.pulled: Mapping[PullOrder, Pulled] = ledger.load_pulled()

    async def remember(self, pulled: Mapping[PullOrder, Pulled]) -> None:
        """Keep what was pulled, also for the next agent."""
        if pulled != self.pulled:
            self.pulled = pulled
            await self._ledger.save_pulled(pulled)

    async def refresh(self) -> bool:
        """Read the truth from the bus; whether other orders are held now."""
        self.is_unread = False
        try:
            incoming = await self._bus.desired()
        except BusUnavailable as error:
            self.is_unread = self._bus.is_connected
            log.warning(
                "desired document can't be read; going on with the held one", error=str(error)
            )
            return False
        except SchemaError as error:
            return self._refuse(f"it is no desired document: {error}")
        if incoming is None:
            if self.held is not None:
                # An empty answer is no order: nothing is ever stopped because a key is missing.
                log.warning("no desired document on the bus; going on with the held one")
            return False
        try:
            accepted = accept(self.held, incoming, node=self.node, highest_epoch=self._ledger.epoch)
        except InvalidInput as error:
            return self._refuse(str(error))
        self.refusal = ""
        if accepted is self.held:
            if self._ledger.fault:
                await self._ledger.save(accepted)
            return False
        self.held = with_parts_of(self.held, accepted)
        await self._ledger.save(self.held)
        log.info("desired document accepted", epoch=accepted.epoch, generation=accepted.generation)
        return True

    def _refuse(self, why: str) -> bool:
        """It stays refused until another one is hinted at or the next look at everything."""
        if self.refusal != why:
            log.error("desired document refused", error=why)
        self.refusal = why
        return False
