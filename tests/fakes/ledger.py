"""A ledger that is as good as a disk for as long as the test runs."""

from schemas.desired import NodeDesired


class FakeLedger:
    """`Ledger` in memory."""

    def __init__(self, document: NodeDesired | None = None) -> None:
        self.document = document
        self.epoch = document.epoch if document else 0

    def load(self) -> NodeDesired | None:
        return self.document

    def save(self, desired: NodeDesired) -> None:
        self.document = desired
        self.epoch = max(self.epoch, desired.epoch)
