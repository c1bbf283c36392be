"""The composition root: builds the parts and keeps them running until told to stop.

Stopping leaves every mount as it is, and every program that serves one.
"""

import asyncio
import signal
import time

import structlog

from daemon.systemd import feed_watchdog, notify
from mountd.domain.judgement import Rules, judge
from mountd.domain.nfs import NfsPolicy
from mountd.door import Door, Guests
from mountd.host import Deadlines, HostMounter, Layout
from mountd.keeper import Keeper, Terms
from mountd.settings import Settings

log = structlog.get_logger()


class _Told(Exception):
    """Ends the task group when mountd is told to stop."""


def steady_clock() -> float:
    """Seconds since the epoch that never jump: who sets the clock must not hold up a probe."""
    return _EPOCH + time.monotonic()


_EPOCH = time.time() - time.monotonic()


def build(settings: Settings) -> tuple[HostMounter, Keeper]:
    """The parts, over this machine."""
    for place in (settings.run_dir, settings.socket.parent):
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
    layout = Layout(
        base=str(settings.base),
        run_dir=settings.run_dir,
        ossfs_program=settings.bucket_program,
        nfs_program=settings.export_program,
        nfs_policy=NfsPolicy(settings.nfs_read_write, settings.nfs_read_only),
        deadlines=Deadlines(mount_s=settings.mount_deadline_s, probe_s=settings.probe_deadline_s),
    )
    mounter = HostMounter(layout)
    rules = Rules(allowed_hosts=settings.hosts)
    terms = Terms(
        directory=str(settings.base),
        judge=lambda order: judge(order, rules),
        clock=steady_clock,
        probe_every_s=settings.probe_every_s,
    )
    return mounter, Keeper(mounter, terms)


async def run(settings: Settings) -> None:
    """Keep this node's mounts until told to stop."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    mounter, keeper = build(settings)
    try:
        await mounter.sweep()
        await _live(settings, keeper, told)
    except* _Told:
        log.info("mountd stops; every mount is left as it is")
    finally:
        mounter.close()


async def _live(settings: Settings, keeper: Keeper, told: asyncio.Event) -> None:
    door = Door(settings.socket, Guests(settings.users, settings.group_id), keeper.answer)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keeper.run(), name="keeper")
        tasks.create_task(feed_watchdog(), name="watchdog")
        server = await door.serve()
        notify("READY=1")
        log.info("mountd runs", socket=str(settings.socket), base=str(settings.base))
        await told.wait()
        notify("STOPPING=1")
        server.close()
        raise _Told
