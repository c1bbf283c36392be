"""A ledger that is as good as a disk for as long as the test runs."""

import asyncio
from collections.abc import Mapping

from agent.domain.actions import PullOrder
from agent.domain.observation import Pulled
from schemas.desired import NodeDesired


class FakeLedger:
    """`Ledger` in memory, on a disk that a test can make slow or full."""

    def __init__(self, document: NodeDesired | None = None) -> None:
        self.document = document
        self.epoch = document.epoch if document else 0
        self.fault = ""
        self.pulled: dict[PullOrder, Pulled] = {}
        self.takes_s = 0.0
        self.is_full = False

    def load(self) -> NodeDesired | None:
        return self.document

    async def save(self, desired: NodeDesired) -> None:
        await asyncio.sleep(self.takes_s)
        self.fault = "no space left" if self.is_full else ""
        if not self.is_full:
            self.document = desired
            self.epoch = max(self.epoch, desired.epoch)

    def load_pulled(self) -> dict[PullOrder, Pulled]:
        return self.pulled

    async def save_pulled(self, pulled: Mapping[PullOrder, Pulled]) -> None:
        self.pulled = dict(pulled)
