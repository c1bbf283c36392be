"""The loop that keeps mounts as they are ordered, and the report of how they are.

A pass: look at the kernel's table, plan, begin what is due. What was begun goes on by itself, and
its end is a reason for the next pass. Decides nothing; `mountd.domain` does.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import structlog

from mountd.domain.outcomes import Failed, Operation, Outcome, Silent, Unasked
from mountd.domain.plan import Step, adopted, hurried, next_due, noticed, ordered, plan, report
from mountd.domain.track import Pace, Track, Wish, begun, ended
from mountd.ports import Mounter
from schemas.current import MountCurrent
from schemas.desired import DesiredMount
from schemas.mounting import MountOrders, MountReport

log = structlog.get_logger()

#: The kernel wakes us when its table changes. This is for a kernel that forgot.
LOOK_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What the keeper is told about its node."""

    #: the base directory
    directory: str
    #: what an order comes to under this node's rules
    judge: Callable[[DesiredMount], Wish]
    #: seconds since the epoch; must not jump
    clock: Callable[[], float]
    pace: Pace = field(default_factory=Pace)
    #: The outermost of the deadlines: a mounter keeps its own, and this is for one that doesn't.
    patience_s: float = 120.0


class Keeper:
    """Every mount of one node. `run` it once; `answer` whoever asks."""

    def __init__(self, mounter: Mounter, terms: Terms) -> None:
        self._mounter = mounter
        self._terms = terms
        # Before any orders come: what is there belongs to them.
        self._tracks: dict[str, Track] = adopted(mounter.table().values(), terms.clock())
        for track in self._tracks.values():
            log.info("found mounted", volume=track.name, path=track.mount_path)
        self._wake = asyncio.Event()
        #: set, and replaced by another, at every change
        self._news = asyncio.Event()
        # Above every number of an earlier process, so that nobody takes our news for old ones: no
        # process had a change each microsecond.
        self._number = int(terms.clock() * 1e6)
        self._reported: tuple[MountCurrent, ...] = ()
        mounter.on_change(self._look_again)

    async def run(self) -> None:
        """Keep the mounts until cancelled. Cancelling leaves every mount as it is."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._wake.clear()
                self._pass(tasks)
                self._publish()
                now = self._terms.clock()
                wait_s = min(next_due(self._tracks, now) - now, LOOK_EVERY_S)
                # Not `wait_for`: that loses a cancellation that meets a wake.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()

    async def answer(self, orders: MountOrders) -> MountReport:
        """Take the orders and report, at once or when there is news within the asked time."""
        wishes = {
            one.name: replace(
                self._terms.judge(one),
                sub_paths=orders.sub_paths.get(one.volume.mount_path, ()),
            )
            for one in orders.mounts
        }
        self._tracks = ordered(self._tracks, wishes, self._terms.clock())
        self._wake.set()
        self._publish()
        if orders.wait_s > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(orders.wait_s):
                    while self._number == orders.seen:
                        await self._news.wait()
        return self.report()

    def report(self) -> MountReport:
        """How everything is. The times of last answers are newer than the number says."""
        self._publish()
        return MountReport(
            number=self._number,
            mounts=report(self._tracks, self._terms.directory),
            hanging=self._mounter.hanging,
        )

    def _look_again(self, mount_path: str | None) -> None:
        if mount_path is not None:
            self._tracks = hurried(self._tracks, mount_path, self._terms.clock())
        self._wake.set()

    def _pass(self, tasks: asyncio.TaskGroup) -> None:
        now = self._terms.clock()
        self._tracks = noticed(self._tracks, self._mounter.table(), now)
        for step in plan(self._tracks, now):
            track = begun(step.track, step.operation, now)
            self._tracks[track.name] = track
            tasks.create_task(self._carry_out(step), name=f"{step.operation} {track.name}")

    async def _carry_out(self, step: Step) -> None:
        try:
            async with asyncio.timeout(self._terms.patience_s):
                outcome = await self._do(step)
        except TimeoutError:
            overdue = f"no end of it within {self._terms.patience_s:g} s"
            is_probe = step.operation is Operation.PROBE
            outcome = Silent(overdue) if is_probe else Failed(overdue)
        except Exception as error:
            # The other mounts are kept, whatever this one has come upon.
            log.exception("a defect of mountd", volume=step.track.name, operation=step.operation)
            defect = f"a defect of mountd: {type(error).__name__}: {error}"
            is_probe = step.operation is Operation.PROBE
            outcome = Unasked(defect) if is_probe else Failed(defect)
        before = self._tracks[step.track.name]
        after = ended(before, outcome, self._terms.clock(), self._terms.pace)
        self._tracks[after.name] = after
        if step.operation is not Operation.PROBE or after.state is not before.state:
            log.info(
                "a mount",
                volume=after.name,
                operation=step.operation,
                outcome=type(outcome).__name__,
                state=after.state,
                reason=after.reason,
            )
        self._wake.set()

    async def _do(self, step: Step) -> Outcome:
        match step.operation:
            case Operation.MOUNT:
                assert step.track.wish is not None  # noqa: S101 # plan mounts only what is wished
                return await self._mounter.mount(step.track.wish)
            case Operation.UNMOUNT:
                return await self._mounter.unmount(step.track.mount_path, is_forced=step.is_forced)
            case Operation.PROBE:
                wish = step.track.wish
                return await self._mounter.probe(
                    step.track.mount_path, wish.sub_paths if wish else None
                )

    def _publish(self) -> None:
        """Raise the number if anything but the times of last answers has changed."""
        mounts = tuple(
            one.model_copy(update={"answered_at": ""})
            for one in report(self._tracks, self._terms.directory)
        )
        if mounts != self._reported:
            self._reported = mounts
            self._number += 1
            self._news.set()
            self._news = asyncio.Event()
