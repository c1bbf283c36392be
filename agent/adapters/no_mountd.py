"""A node without mountd: every shared volume fails there, and says why."""

import asyncio

from schemas.current import MountCurrent
from schemas.mounting import MountOrders, MountReport
from schemas.states import MountState, Wanted

REASON = "no mountd on this node"


class NoMountd:
    """`Mounts` that mounts nothing below `base`."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._number = 0
        self._mounts: tuple[MountCurrent, ...] = ()

    async def report(self, orders: MountOrders) -> MountReport:
        mounts = tuple(
            MountCurrent(
                name=order.name,
                state=MountState.FAILED,
                mountpoint=f"{self._base}/{order.volume.mount_path}",
                reason=REASON,
            )
            for order in orders.mounts
            if order.wanted is not Wanted.ABSENT
        )
        if mounts != self._mounts:
            self._number, self._mounts = self._number + 1, mounts
        if orders.seen == self._number:
            await asyncio.sleep(orders.wait_s)
        return MountReport(number=self._number, mounts=mounts)
