"""A node that can't start a process: mountd's own trouble, and no file server's."""

import asyncio
import errno
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from mountd import dispatch as dispatching
from mountd.dispatch import Dispatch, ErrandVoidError
from mountd.domain.outcomes import Failed, Silent, Unasked
from mountd.host import HostMounter, Layout
from schemas.mounting import MountOrders
from schemas.states import MountState
from tests.fakes.mounter import FakeMounter
from tests.unit.mountd.builders import a_wish, an_order
from tests.unit.mountd.test_keeper import a_keeper, until
from tests.unit.mountd.tracks import EVERY_S, NOW, PATH, a_track, after

WHY = "no process could be started for it: Resource temporarily unavailable"


@pytest.fixture
async def no_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> NoReturn:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(asyncio.get_running_loop(), "subprocess_exec", refuse)


@pytest.fixture
def mounter(tmp_path: Path) -> HostMounter:
    for name in ("mnt", "run"):
        (tmp_path / name).mkdir()
    layout = Layout(str(tmp_path / "mnt"), tmp_path / "run", "ossfs", "mount.nfs4")
    return HostMounter(layout)


@pytest.mark.usefixtures("no_forks")
async def test_an_errand_that_can_not_be_sent_is_told_from_one_that_is_lost() -> None:
    with pytest.raises(ErrandVoidError, match=WHY):
        await Dispatch(lambda _: None).run("nas/a", {}, 1.0)


@pytest.mark.usefixtures("no_forks")
async def test_a_mounter_without_processes_raises_nothing_and_blames_no_server(
    mounter: HostMounter,
) -> None:
    assert await mounter.probe(PATH, None) == Unasked(WHY)
    assert await mounter.unmount(PATH, is_forced=False) == Failed(f"unmounting failed: {WHY}")
    assert await mounter.mount(a_wish()) == Failed(f"mounting media failed: {WHY}")


async def test_a_mounter_whose_errands_have_no_program_blames_no_server(
    mounter: HostMounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As while it is upgraded.
    monkeypatch.setattr(dispatching, "_PROGRAM", (sys.executable, "-I", "-S", "-m", "missing"))
    why = "an errand of ours failed; mountd's log says how"
    assert await mounter.probe(PATH, None) == Unasked(why)
    assert await mounter.unmount(PATH, is_forced=False) == Failed(f"unmounting failed: {why}")
    assert await mounter.mount(a_wish()) == Failed(f"mounting media failed: {why}")


def test_a_probe_that_was_not_sent_is_no_verdict() -> None:
    doubted = a_track(misses=1)
    for _ in range(10):
        doubted = after(doubted, Unasked(WHY))
    assert doubted == a_track(misses=1, probe_at=NOW + EVERY_S)
    assert after(doubted, Silent("no answer")).state is MountState.STUCK


async def test_a_defect_in_one_operation_ends_no_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    mounter = FakeMounter()
    healthy = mounter.mount

    async def broken(*_: object) -> NoReturn:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(mounter, "mount", broken)
    async with a_keeper(mounter) as keeper:
        failed = await until(keeper, MountState.FAILED)
        assert failed.mounts[0].reason == "a defect of mountd: ZeroDivisionError: a defect"
        monkeypatch.setattr(mounter, "mount", healthy)
        await until(keeper, MountState.MOUNTED)

        monkeypatch.setattr(mounter, "probe", broken)
        await asyncio.sleep(0.3)
        report = await keeper.answer(MountOrders(mounts=(an_order(),)))
        assert [one.state for one in report.mounts] == [MountState.MOUNTED]
