"""The loop between orders and a mounter, made up."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mountd.domain.outcomes import Answered, Dead, Silent
from mountd.domain.track import Pace
from mountd.keeper import Keeper, Terms
from schemas.mounting import MountOrders, MountReport
from schemas.states import MountState
from tests.fakes.mounter import FakeMounter
from tests.unit.mountd.builders import a_nas, an_order, judged

PATH = "nas/media"


@asynccontextmanager
async def a_keeper(
    mounter: FakeMounter, *, probe_every_s: float = 0.05, patience_s: float = 60.0
) -> AsyncIterator[Keeper]:
    terms = Terms("/mnt/acs_mnt", judged, time.time, Pace(probe_every_s), patience_s)
    keeper = Keeper(mounter, terms)
    running = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def until(keeper: Keeper, state: MountState) -> MountReport:
    seen = -1
    async with asyncio.timeout(10):
        while True:
            asked = MountOrders(mounts=(an_order(),), seen=seen, wait_s=1)
            report = await keeper.answer(asked)
            if [one.state for one in report.mounts] == [state]:
                return report
            seen = report.number


async def test_answers_to_probes_are_no_news() -> None:
    async with a_keeper(FakeMounter()) as keeper:
        first = await until(keeper, MountState.MOUNTED)
        asked = MountOrders(mounts=(an_order(),), seen=first.number, wait_s=0.3)
        later = await keeper.answer(asked)
        assert later.number == first.number
        assert later.mounts[0].answered_at > first.mounts[0].answered_at


async def test_news_end_the_wait_at_once() -> None:
    mounter = FakeMounter()
    async with a_keeper(mounter) as keeper:
        first = await until(keeper, MountState.MOUNTED)
        asked = MountOrders(mounts=(an_order(),), seen=first.number, wait_s=20)
        waiting = asyncio.create_task(keeper.answer(asked))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        mounter.kill(PATH)
        assert (await waiting).number > first.number
        assert time.monotonic() - began < 2


async def test_a_successor_s_reports_have_other_numbers() -> None:
    mounter = FakeMounter()
    async with a_keeper(mounter) as keeper:
        first = await until(keeper, MountState.MOUNTED)
    async with a_keeper(mounter) as successor:
        assert successor.report().number > first.number


async def test_a_hint_is_followed_by_a_probe_long_before_one_is_due() -> None:
    mounter = FakeMounter()
    async with a_keeper(mounter, probe_every_s=60) as keeper:
        first = await until(keeper, MountState.MOUNTED)
        mounter.kill(PATH)
        async with asyncio.timeout(5):
            report = first
            while report.mounts[0].incarnation in ("", first.mounts[0].incarnation):
                asked = MountOrders(mounts=(an_order(),), seen=report.number, wait_s=1)
                report = await keeper.answer(asked)
        assert mounter.calls[-2:] == [f"unmount {PATH} by force", f"mount {PATH}"]


async def test_a_keeper_that_is_told_to_stop_stops_whatever_happens_in_that_moment() -> None:
    for _ in range(50):
        mounter = FakeMounter()
        async with a_keeper(mounter) as keeper, asyncio.timeout(5):
            await until(keeper, MountState.MOUNTED)
            # Its wake and its end come together.
            mounter.kill(PATH)


async def test_a_mounter_that_breaks_its_promise_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mounter = FakeMounter()
    async with a_keeper(mounter, patience_s=0.1) as keeper:
        await until(keeper, MountState.MOUNTED)

        async def never(*_asked: object) -> Answered | Silent | Dead:
            await asyncio.Event().wait()
            return Answered()

        monkeypatch.setattr(mounter, "probe", never)
        stuck = await until(keeper, MountState.STUCK)
        assert "no end of it" in stuck.mounts[0].reason


async def test_a_sub_path_is_looked_for_as_soon_as_it_is_ordered() -> None:
    mounter = FakeMounter()
    mounter.server(PATH).files["app/x"] = b""
    # Far too long for a probe that comes by itself.
    async with a_keeper(mounter, probe_every_s=60) as keeper, asyncio.timeout(5):
        await until(keeper, MountState.MOUNTED)
        seen, found = -1, dict[str, str]()
        while set(found) != {"app", "missing"}:
            asked = MountOrders(
                mounts=(an_order(),), sub_paths={PATH: ("app", "missing")}, seen=seen, wait_s=1
            )
            report = await keeper.answer(asked)
            seen = report.number
            found = {one.path: one.place or one.reason for one in report.mounts[0].sub_paths}
    assert found == {"app": ".sub/fake-1-app", "missing": "it has no missing"}


async def test_a_report_says_how_many_processes_hang() -> None:
    mounter = FakeMounter()
    mounter.hanging = 2
    async with a_keeper(mounter) as keeper:
        assert (await until(keeper, MountState.MOUNTED)).hanging == 2


async def test_one_slow_volume_holds_up_no_other() -> None:
    mounter = FakeMounter(deadline_s=5.0)
    mounter.server(PATH).is_up = False
    other = an_order(a_nas("films"))
    async with a_keeper(mounter) as keeper, asyncio.timeout(2):
        seen = -1
        while True:
            asked = MountOrders(mounts=(an_order(), other), seen=seen, wait_s=1)
            report = await keeper.answer(asked)
            seen = report.number
            states = {one.name: one.state for one in report.mounts}
            if states["films"] is MountState.MOUNTED:
                break
    assert states["media"] is MountState.MOUNTING
