"""`Lease`: which coordinator is active, and as which epoch.

Reads and writes: KV `lease`, key `coordinator`, with the bucket's own time to live. The revision at
which the lease was acquired is the epoch: it only ever grows, so agents can refuse an older one.

A holder renews every sixth of the time to live, so that a broker may be away for the half of it and
the holder still is the same. When renewals stop getting through it demotes itself after two thirds,
counted from the start of the last request that succeeded: before anybody else can have acquired.
When a renewal is refused, somebody else has, and it demotes itself at once; unless what was written
meanwhile is a renewal of its own whose acknowledgement was lost.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Coroutine

import structlog

from coordinator.bus.buckets import KvBucket
from coordinator.clock import CLOCK, Clock
from coordinator.errors import BusUnavailable, NotActive, RevisionConflict
from schemas.codec import decode
from schemas.errors import InvalidInput
from schemas.lease import LeaseHolder
from schemas.subjects import LEASE_KEY

log = structlog.get_logger()

#: of the time to live: when nothing was heard for so long, the lease is given up
HELD_SHARE = 2 / 3
#: of the time to live: between two renewals
RENEWAL_SHARE = 1 / 6


class Lease:
    """Runs `active(epoch)` while this coordinator holds the lease; cancels it when it doesn't."""

    def __init__(
        self, bucket: KvBucket, name: str, ttl_s: float, above: int = 0, *, clock: Clock = CLOCK
    ) -> None:
        """Every epoch is higher than `above`."""
        self._clock = clock
        self._bucket = bucket
        self._holder = LeaseHolder(name=name, incarnation=uuid.uuid4().hex)
        self._ttl_s = ttl_s
        self._above = above
        self._may_inherit = True
        self._hurry = asyncio.Event()
        self._held_until = 0.0
        #: 0 while not held
        self.epoch = 0
        self.holder_name = ""

    def hurry(self) -> None:
        """Try to acquire now rather than at the next turn: the bus is back."""
        self._hurry.set()

    def fence(self) -> None:
        """Refuse to go on unless the lease is held at this very moment.

        Only a look at the clock: a process that was paused for a while asks this before it has had
        the time to learn that it lost the lease.

        Raises:
            NotActive: it is not, or not surely.
        """
        if not self.epoch or self._clock.monotonic() >= self._held_until:
            raise NotActive("another coordinator may be active by now")

    async def run(self, active: Callable[[int], Coroutine[None, None, None]]) -> None:
        """For ever: acquire, be active, lose, try again."""
        while True:
            started, revision = await self._acquire()
            self._held_until = started + self._ttl_s * HELD_SHARE
            self.epoch = revision
            self.holder_name = self._holder.name
            log.info("this coordinator is active", epoch=revision)
            try:
                await self._hold(revision, active)
            finally:
                self.epoch = 0
            log.warning("this coordinator is no longer active", epoch=revision)

    async def _acquire(self) -> tuple[float, int]:
        """When the request that succeeded was begun, and the lease's revision."""
        while True:
            # Cleared first: a call to hurry during the attempt asks for another one.
            self._hurry.clear()
            started = self._clock.monotonic()
            with contextlib.suppress(BusUnavailable, RevisionConflict):
                if self._above:
                    await self._bucket.rise_above(self._above)
                revision = await self._try_acquire()
                if revision:
                    return started, revision
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._ttl_s / 6):
                    await self._hurry.wait()

    async def _try_acquire(self) -> int:
        """The new revision; 0 when somebody else holds the lease."""
        held = (await self._bucket.snapshot()).get(LEASE_KEY)
        if held is None:
            return await self._bucket.put(LEASE_KEY, self._holder, 0)
        value, revision = held
        try:
            holder = decode(LeaseHolder, value)
        except InvalidInput:
            log.exception("the lease's holder can't be read; waiting until it expires")
            return 0
        self.holder_name = holder.name
        if holder.incarnation == self._holder.incarnation:
            # A renewal that we took for lost had arrived.
            return await self._bucket.put(LEASE_KEY, self._holder, revision)
        if holder.name == self._holder.name and self._may_inherit:
            # Our own former process: it was killed and we are its successor, so there is nobody to
            # wait for. Only once: two coordinators of one name would otherwise take turns for ever.
            self._may_inherit = False
            return await self._bucket.put(LEASE_KEY, self._holder, revision)
        return 0

    async def _hold(
        self, revision: int, active: Callable[[int], Coroutine[None, None, None]]
    ) -> None:
        work = asyncio.create_task(active(revision), name="active coordinator")
        renewal = asyncio.create_task(self._renew(revision), name="lease renewal")
        try:
            done, _ = await asyncio.wait({work, renewal}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (work, renewal):
                task.cancel()
            await asyncio.gather(work, renewal, return_exceptions=True)
        for task in done:
            # A crash of the work is a crash of the process; losing the lease is not.
            task.result()

    async def _arrived(self, known: int) -> int:
        """The revision of a renewal of ours whose acknowledgement was lost; 0: there is none.

        Raises:
            BusUnavailable: nobody knows.
        """
        held = await self._bucket.get(LEASE_KEY)
        if held is None or held[1] <= known:
            return 0
        with contextlib.suppress(InvalidInput):
            if decode(LeaseHolder, held[0]).incarnation == self._holder.incarnation:
                return held[1]
        return 0

    async def _renew(self, revision: int) -> None:
        """Returns when the lease is lost."""
        self._may_inherit = False
        pause_s = self._ttl_s * RENEWAL_SHARE
        while True:
            await asyncio.sleep(pause_s)
            started = self._clock.monotonic()
            left_s = self._held_until - started
            if left_s <= 0:
                log.error("the lease could not be renewed in time")
                return
            try:
                async with asyncio.timeout(left_s):
                    revision = await self._bucket.put(LEASE_KEY, self._holder, revision)
            except RevisionConflict:
                with contextlib.suppress(BusUnavailable, TimeoutError):
                    async with asyncio.timeout(left_s):
                        revision = await self._arrived(revision)
                if not revision:
                    log.error("another coordinator has taken the lease")  # noqa: TRY400
                    return
                pause_s = 0.0
            except (BusUnavailable, TimeoutError):
                # A broker that has just started refuses at once, and takes it a moment later.
                pause_s = min(
                    self._ttl_s / 30, max(0.0, self._held_until - self._clock.monotonic())
                )
            else:
                self._held_until = started + self._ttl_s * HELD_SHARE
                pause_s = self._ttl_s * RENEWAL_SHARE
