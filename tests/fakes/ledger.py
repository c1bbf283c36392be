"""A ledger that is as good as a disk for as long as the test runs."""

import asyncio

from schemas.desired import NodeDesired


class FakeLedger:
    """`Ledger` in memory, on a disk that a test can make slow or full."""

    def __init__(self, document: NodeDesired | None = None) -> None:
        self.document = document
        self.epoch = document.epoch if document else 0
        self.fault = ""
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
