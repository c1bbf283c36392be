"""The composition root: builds the parts and keeps them running until told to stop.

Stopping leaves every mount as it is, and every program that serves one.
"""

import asyncio
import contextlib
import time

import structlog

from daemon.lifetime import eternal, until_told
from daemon.systemd import feed_watchdog, notify
from mountd.domain.judgement import Rules, judge
from mountd.domain.nfs import NfsPolicy
from mountd.domain.track import Pace
from mountd.door import Door, Guests
from mountd.host import Deadlines, HostMounter, Layout
from mountd.keeper import Keeper, Terms
from mountd.settings import Settings

log = structlog.get_logger()


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
        pace=Pace(settings.probe_every_s, settings.program_patience_s),
    )
    return mounter, Keeper(mounter, terms)


async def run(settings: Settings) -> None:
    """Keep this node's mounts until told to stop."""
    await until_told(_live(settings))
    log.info("mountd stops; every mount is left as it is")


async def _live(settings: Settings) -> None:
    mounter, keeper = build(settings)
    door = Door(settings.socket, Guests(settings.users, settings.group_id), keeper.answer)
    try:
        await mounter.sweep()
        with contextlib.closing(await door.serve()):
            async with asyncio.TaskGroup() as tasks:
                eternal(tasks, "keeper", keeper.run())
                eternal(tasks, "watchdog", feed_watchdog())
                notify("READY=1")
                log.info("mountd runs", socket=str(settings.socket), base=str(settings.base))
    finally:
        mounter.close()
