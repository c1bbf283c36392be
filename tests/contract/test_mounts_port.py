"""What every `Mounts` promises the agent: a fake, and mountd itself behind its socket.

What mountd does to the node's real mounts is its own suite's matter.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from agent.adapters.mountd_client import MountdClient
from agent.ports import Mounts
from mountd.domain.judgement import Rules, judge
from mountd.domain.track import Pace
from mountd.door import Door, Guests
from mountd.keeper import Keeper, Terms
from schemas.current import MountCurrent
from schemas.desired import DesiredMount
from schemas.errors import Transient
from schemas.mounting import MountOrders, MountReport
from schemas.states import MountState, Wanted
from tests.fakes.mounter import FakeMounter
from tests.fakes.mounts import FakeMounts
from tests.fakes.orders import a_mount

BASE = "/mnt/acs_mnt"


class Trial(Protocol):
    """A mountd, and hands behind its back."""

    mounts: Mounts

    async def lose(self, name: str) -> None:
        """The server of a mounted volume answers no more; it shows as something else than mounted."""

    async def end(self) -> None:
        """mountd ends, whatever it was doing."""

    async def begin(self) -> None:
        """Another one begins, where the mounts are as they were left."""


class FakeTrial:
    def __init__(self) -> None:
        self._fake = FakeMounts()
        self.mounts: Mounts = self._fake

    async def lose(self, name: str) -> None:
        self._fake.turn(name, MountState.STUCK, reason="its server doesn't answer")

    async def end(self) -> None:
        self._fake.go_away()

    async def begin(self) -> None:
        self._fake.come_back()


class RealTrial:
    """mountd's own loop and door, over made-up mounts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mounter = FakeMounter()
        self.client = MountdClient(path)
        self.mounts: Mounts = self.client
        self._server: asyncio.Server | None = None
        self._running: asyncio.Task[None] | None = None

    async def lose(self, name: str) -> None:
        self._mounter.server(f"nas/{name}").is_up = False

    async def begin(self) -> None:
        terms = Terms(BASE, lambda order: judge(order, Rules()), time.time, Pace(0.1))
        keeper = Keeper(self._mounter, terms)
        self._running = asyncio.create_task(keeper.run())
        guests = Guests(frozenset({os.getuid()}))
        self._server = await Door(self._path, guests, keeper.answer).serve()

    async def end(self) -> None:
        if self._server is None or self._running is None:
            return
        self._server.close()
        self._path.unlink(missing_ok=True)
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running
        # A process that ends takes its connections along.
        await self.client.close()


@pytest.fixture(params=["fake", "mountd"])
async def trial(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Trial]:
    made: Trial = FakeTrial() if request.param == "fake" else RealTrial(tmp_path / "s")
    await made.begin()
    yield made
    await made.end()


def give(*mounts: DesiredMount, seen: int = -1, wait_s: float = 0.0) -> MountOrders:
    return MountOrders(mounts=mounts, seen=seen, wait_s=wait_s)


async def until(
    mounts: Mounts, what: Callable[[MountReport], bool], *orders: DesiredMount
) -> MountReport:
    """Follow the news as the agent does."""
    seen = -1
    async with asyncio.timeout(10):
        while True:
            report = await mounts.report(give(*orders, seen=seen, wait_s=5.0))
            if what(report):
                return report
            seen = report.number


def state(report: MountReport) -> dict[str, MountState]:
    return {mount.name: mount.state for mount in report.mounts}


def is_mounted(report: MountReport) -> bool:
    return bool(report.mounts) and set(state(report).values()) == {MountState.MOUNTED}


async def the_mount(mounts: Mounts) -> MountCurrent:
    (mount,) = (await until(mounts, is_mounted, a_mount())).mounts
    return mount


async def test_an_ordered_volume_is_mounted_and_shown_with_its_place(trial: Trial) -> None:
    mount = await the_mount(trial.mounts)
    assert (mount.name, mount.mountpoint) == ("photos", f"{BASE}/nas/photos")
    assert mount.incarnation
    assert mount.since


async def test_the_first_question_is_answered_at_once(trial: Trial) -> None:
    async with asyncio.timeout(1):
        await trial.mounts.report(give(wait_s=20.0))


async def test_no_news_is_an_answer_too_and_in_time(trial: Trial) -> None:
    first = await until(trial.mounts, is_mounted, a_mount())
    began = time.monotonic()
    again = await trial.mounts.report(give(a_mount(), seen=first.number, wait_s=0.5))
    assert 0.4 < time.monotonic() - began < 3.0
    assert again.number == first.number
    assert state(again) == state(first)


async def test_the_same_orders_change_nothing(trial: Trial) -> None:
    first = await until(trial.mounts, is_mounted, a_mount())
    again = await trial.mounts.report(give(a_mount()))
    assert again.number == first.number
    assert again.mounts[0].incarnation == first.mounts[0].incarnation


async def test_news_ends_the_wait(trial: Trial) -> None:
    first = await until(trial.mounts, is_mounted, a_mount())
    asking = asyncio.create_task(
        trial.mounts.report(give(a_mount(), seen=first.number, wait_s=20.0))
    )
    await asyncio.sleep(0.1)
    await trial.lose("photos")
    async with asyncio.timeout(5):
        report = await asking
    assert report.number != first.number
    assert state(report) != {"photos": MountState.MOUNTED}


async def test_new_orders_are_taken_while_an_earlier_question_was_given_up(trial: Trial) -> None:
    first = await until(trial.mounts, is_mounted, a_mount())
    asking = asyncio.create_task(
        trial.mounts.report(give(a_mount(), seen=first.number, wait_s=20.0))
    )
    await asyncio.sleep(0.1)
    asking.cancel()
    await asyncio.wait({asking})
    both = (a_mount(), a_mount("music"))
    report = await until(trial.mounts, lambda r: is_mounted(r) and len(r.mounts) == 2, *both)
    assert set(state(report)) == {"photos", "music"}


async def test_wanted_absent_is_shown_no_more_once_it_is_gone(trial: Trial) -> None:
    await the_mount(trial.mounts)
    await until(trial.mounts, lambda r: not r.mounts, a_mount(wanted=Wanted.ABSENT))


async def test_what_the_orders_do_not_mention_stays_and_is_shown(trial: Trial) -> None:
    mount = await the_mount(trial.mounts)
    report = await trial.mounts.report(give())
    assert [(m.name, m.incarnation) for m in report.mounts] == [("photos", mount.incarnation)]


async def test_without_mountd_nothing_is_heard_and_its_successor_knows_the_mounts(
    trial: Trial,
) -> None:
    mount = await the_mount(trial.mounts)
    await trial.end()
    with pytest.raises(Transient):
        await trial.mounts.report(give(a_mount()))
    await trial.begin()
    assert (await the_mount(trial.mounts)).incarnation == mount.incarnation
