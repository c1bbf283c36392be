"""A daemon lives until it is told to stop, and no part of it ends in silence."""

import asyncio
import os
import signal
import socket

import pytest

from daemon.lifetime import eternal, until_told
from daemon.systemd import feed_watchdog
from schemas.errors import InvariantBroken


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """What systemd is told."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(path)
        channel.settimeout(0)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        yield lambda: channel.recv(100)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_it_says_so_tidies_up_and_returns(systemd, number) -> None:
    done: list[str] = []

    async def live() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            assert systemd() == b"STOPPING=1"
            await asyncio.sleep(0)
            done.append("tidied up")

    await until_told(live())
    assert done == ["tidied up"]


async def test_what_goes_wrong_while_it_tidies_up_is_told() -> None:
    async def live() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        await until_told(live())


async def test_a_life_that_ends_by_itself_is_an_error() -> None:
    async def live() -> None:
        return

    with pytest.raises(InvariantBroken):
        await until_told(live())


async def test_an_eternal_task_that_returns_ends_its_group_by_name() -> None:
    async def short() -> None:
        return

    async def live() -> None:
        async with asyncio.TaskGroup() as tasks:
            eternal(tasks, "watchdog", feed_watchdog())
            eternal(tasks, "publisher", short())

    with pytest.raises(ExceptionGroup) as raised:
        await until_told(live())
    assert "publisher" in repr(raised.value.exceptions)


async def test_a_cancellation_ends_a_life_as_well() -> None:
    ended = asyncio.Event()

    async def live() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    living = asyncio.create_task(until_told(live()))
    await asyncio.sleep(0.01)
    living.cancel()
    await asyncio.wait({living})
    assert living.cancelled()
    assert ended.is_set()


async def test_a_task_whose_inner_work_is_cancelled_by_nobody_ends_loudly() -> None:
    async def wait_for_what_is_cancelled() -> None:
        inner = asyncio.get_running_loop().create_future()
        inner.cancel()
        await inner

    async def live() -> None:
        async with asyncio.TaskGroup() as tasks:
            eternal(tasks, "reader", wait_for_what_is_cancelled())

    with pytest.raises(ExceptionGroup) as ended:
        await until_told(live())
    assert ended.group_contains(InvariantBroken, match="reader")
