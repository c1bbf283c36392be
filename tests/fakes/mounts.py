"""A mountd in memory: it takes orders, and a test says what becomes of them."""

import asyncio

from schemas.current import MountCurrent, SubPathCurrent
from schemas.desired import DesiredMount
from schemas.errors import Transient
from schemas.mounting import MountOrders, MountReport
from schemas.states import MountState, Wanted
from schemas.volume import BASE_DIRECTORY

SINCE = "2026-11-23T00:00:00Z"


class MountdAway(Transient):
    """What the fake raises while it is away."""

    code = "mountd"


class FakeMounts:
    """`Mounts`. Volumes are mounted at once when they are ordered, unless `is_slow`."""

    def __init__(self, base: str = BASE_DIRECTORY) -> None:
        self.base = base
        self.is_away = False
        self.is_slow = False
        #: it takes every call and answers none
        self.is_hung = False
        self.orders: MountOrders | None = None
        self.asked = 0
        self._number = 100
        self._mounts: dict[str, MountCurrent] = {}
        self._changed = asyncio.Event()

    async def report(self, orders: MountOrders) -> MountReport:
        self.asked += 1
        await (asyncio.Event().wait() if self.is_hung else asyncio.sleep(0))
        self._require_presence()
        asked = orders.model_copy(update={"seen": -1, "wait_s": 0.0})
        if asked != self.orders:
            self.orders = asked
            for order in orders.mounts:
                self._follow(order)
        if orders.seen == self._number:
            self._changed.clear()
            try:
                async with asyncio.timeout(orders.wait_s):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._require_presence()
        return MountReport(number=self._number, mounts=tuple(self._mounts.values()))

    # -- scripting ---------------------------------------------------------------------------

    def turn(self, name: str, state: MountState, **fields: str) -> None:
        """From now on the volume's mount is so."""
        self._put(self._mounts[name].model_copy(update={"state": state, **fields}))

    def hold(self, name: str, *missing: str, place: str = "1") -> None:
        """From now on the volume's sub paths are at places of this number, but for some."""
        if (mount := self._mounts.get(name)) is None or self.orders is None:
            return
        found = tuple(
            SubPathCurrent(path=path, reason=f"it has no {path}")
            if path in missing
            else SubPathCurrent(path=path, place=f".sub/{place}")
            for path in self.orders.sub_paths.get("/".join(mount.mountpoint.split("/")[-2:]), ())
        )
        if found != mount.sub_paths:
            self._put(mount.model_copy(update={"sub_paths": found}))

    def go_away(self) -> None:
        """mountd dies, and its answers with it."""
        self.is_away = True
        self._changed.set()

    def come_back(self) -> None:
        self.is_away = False

    # -- inside ------------------------------------------------------------------------------

    def _follow(self, order: DesiredMount) -> None:
        if order.wanted is Wanted.ABSENT:
            if self._mounts.pop(order.name, None):
                self._tell()
        elif order.name not in self._mounts:
            path = order.volume.mount_path
            state = MountState.MOUNTING if self.is_slow else MountState.MOUNTED
            self._put(
                MountCurrent(
                    name=order.name,
                    state=state,
                    mountpoint=f"{self.base}/{path}",
                    since=SINCE,
                    incarnation="" if self.is_slow else "i1",
                )
            )
        self.hold(order.name)

    def _put(self, mount: MountCurrent) -> None:
        self._mounts[mount.name] = mount
        self._tell()

    def _tell(self) -> None:
        self._number += 1
        self._changed.set()

    def _require_presence(self) -> None:
        if self.is_away:
            raise MountdAway("mountd can't be reached")
