"""Gives mountd the node's orders and keeps its newest report. Decides nothing about mounts.

A report stands until mountd says otherwise, or doesn't answer any more: then nothing is known.
Reads and writes: mountd, through its port.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import structlog

from agent.domain.shares import by_name, is_news, sub_paths
from agent.ports import Mounts
from schemas.current import MountCurrent
from schemas.desired import NodeDesired
from schemas.errors import Transient
from schemas.mounting import MountOrders, MountReport

log = structlog.get_logger()

#: News come at once. This long without any, and mountd has to show that it is alive.
POLL_S = 10.0
#: A mountd that is started anew is back in a second or two.
RETRY_S = 1.0
#: mountd answers the first question from memory. A pass waits for it no longer than this.
FIRST_REPORT_S = 1.0


class MountKeeper:
    """What is known of the node's shared volumes. `base`: the directory that they are below."""

    def __init__(self, mounts: Mounts, base: str, on_change: Callable[[], None]) -> None:
        self._mounts = mounts
        self._base = base
        self._on_change = on_change
        #: what was ordered last
        self._desired: NodeDesired | None = None
        self._orders = MountOrders(wait_s=POLL_S)
        self._ordered = asyncio.Event()
        self._tried = asyncio.Event()
        self._is_silent = False
        #: processes that hang on shares, as mountd said last
        self.hanging = 0
        self._poll: asyncio.Timeout | None = None
        #: of the last report from the mountd that answers now
        self._number = -1
        self._known: Mapping[str, MountCurrent] | None = {}

    @property
    def known(self) -> Mapping[str, MountCurrent] | None:
        """Every mount by its volume's name; None: mountd doesn't answer."""
        return self._known

    async def order(self, desired: NodeDesired) -> None:
        """Want its mounts from now on. Waits for a first report: a new agent knows nothing."""
        if desired is self._desired:
            return
        self._desired = desired
        orders = MountOrders(mounts=desired.mounts, sub_paths=sub_paths(desired), wait_s=POLL_S)
        if orders == self._orders:
            return
        if not self._orders.mounts and not self._known:
            self._known = None
        self._orders = orders
        self._ordered.set()
        if self._poll is not None:
            # Once only: one that is ending already can't be ended again.
            poll, self._poll = self._poll, None
            poll.reschedule(asyncio.get_running_loop().time())
        if not self._tried.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FIRST_REPORT_S):
                    await self._tried.wait()
            self._tried.set()

    async def keep(self) -> None:
        """Forever: give the orders and hear the news."""
        # Without a first volume there is nobody to ask: mountd need not even be installed.
        await self._ordered.wait()
        while True:
            self._ordered.clear()
            orders = self._orders.model_copy(update={"seen": self._number})
            try:
                async with asyncio.timeout(None) as self._poll:
                    report = await self._mounts.report(orders)
            except TimeoutError:
                # New orders have come while it waited for news.
                continue
            except Transient as error:
                self._lose(error)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RETRY_S):
                        await self._ordered.wait()
            else:
                self._learn(report)
            finally:
                self._poll = None

    def _learn(self, report: MountReport) -> None:
        if self._is_silent:
            log.info("mountd answers again", mounts=len(report.mounts))
        self._is_silent = False
        self._number = report.number
        self.hanging = report.hanging
        self._take(by_name(report.mounts, self._base))

    def _lose(self, error: Transient) -> None:
        if not self._is_silent:
            log.warning("mountd does not answer: its mounts are unknown", error=str(error))
        self._is_silent = True
        # Another mountd counts anew, so whatever it says is news.
        self._number = -1
        self._take(None)

    def _take(self, known: Mapping[str, MountCurrent] | None) -> None:
        has_changed = is_news(self._known, known)
        self._known = known
        self._tried.set()
        if has_changed:
            self._on_change()
