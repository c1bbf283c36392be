"""The same questions to made-up and to real mounts: what the contract suite needs from either."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Protocol

from mountd.domain.judgement import Rules, judge
from mountd.domain.mountinfo import parse
from mountd.domain.track import Pace
from mountd.errands.kernel import MNT_FORCE, detach, is_mounted, umount
from mountd.host import Deadlines, HostMounter, Layout
from mountd.keeper import Keeper, Terms
from mountd.ports import Mounter
from schemas.desired import DesiredMount
from schemas.mounting import MountOrders
from schemas.states import Wanted
from schemas.volume import OssfsOptions, VolumeSecret, VolumeSpec
from tests.contract.mountd.s3 import S3Server
from tests.fakes.mounter import FakeMounter

#: far from what nodes use, so that a suite takes seconds
_PROBE_EVERY_S = 0.4
#: Patience of the FUSE program itself: after it, a hung call comes back with an error.
_IMPATIENT = "connect_timeout=2,readwrite_timeout=2,retries=1,use_path_request_style,sigv4"


class Trial(Protocol):
    """A mounter, and hands behind its back. Mount paths say which mount."""

    #: the longest that a verdict may take
    verdict_s: float
    base: str

    def mounter(self) -> Mounter:
        """As a new mountd process would build it; an earlier one is gone without a word."""

    def order(self, name: str) -> DesiredMount:
        """A volume that can be mounted: its bucket exists, its keys are right."""

    async def write(self, mount_path: str, name: str, text: str) -> None: ...

    async def read(self, mount_path: str, name: str) -> str: ...

    def kill_program(self, mount_path: str) -> None:
        """Whatever serves the mount ends by SIGKILL."""

    def snatch(self, mount_path: str) -> None:
        """Somebody unmounts it by hand."""

    def freeze_server(self) -> None:
        """The server doesn't answer any more, for now."""

    def thaw_server(self) -> None: ...

    def left(self) -> list[str]:
        """Everything of any mount that is still there."""

    async def close(self) -> None: ...


class FakeTrial:
    def __init__(self) -> None:
        self._fake = FakeMounter(deadline_s=0.1)
        self._paths: set[str] = set()
        self.verdict_s = 5.0
        self.base = "/made-up"

    def mounter(self) -> Mounter:
        return self._fake

    def order(self, name: str) -> DesiredMount:
        order = _order(name, VolumeSecret(ak_id="id", ak_secret="right"), "http://s3.example")
        self._fake.server(order.volume.mount_path).secret = "right"
        self._paths.add(order.volume.mount_path)
        return order

    async def write(self, mount_path: str, name: str, text: str) -> None:
        self._fake.mounts[mount_path].server.files[name] = text.encode()

    async def read(self, mount_path: str, name: str) -> str:
        return self._fake.mounts[mount_path].server.files[name].decode()

    def kill_program(self, mount_path: str) -> None:
        self._fake.kill(mount_path)

    def snatch(self, mount_path: str) -> None:
        self._fake.snatch(mount_path)

    def freeze_server(self) -> None:
        for path in self._paths:
            self._fake.server(path).is_up = False

    def thaw_server(self) -> None:
        for path in self._paths:
            self._fake.server(path).is_up = True

    def left(self) -> list[str]:
        return sorted(self._fake.mounts)

    async def close(self) -> None:
        """Nothing of it outlives the test."""


class RealTrial:
    """s3fs against a server of ours. Everything is below `directory`."""

    def __init__(self, directory: Path, server: S3Server) -> None:
        self._directory = directory
        self._server = server
        self._mounter: HostMounter | None = None
        self.verdict_s = 30.0
        self.base = str(directory / "acs_mnt")
        run_dir = directory / "run"
        run_dir.mkdir()
        deadlines = Deadlines(mount_s=15.0, probe_s=1.0, unmount_s=5.0)
        self.layout = Layout(self.base, run_dir, "/usr/bin/s3fs", "mount.nfs4", deadlines=deadlines)

    def mounter(self) -> HostMounter:
        if self._mounter is not None:
            self._mounter.close()
        self._mounter = HostMounter(self.layout)
        return self._mounter

    def order(self, name: str) -> DesiredMount:
        bucket = f"{name}-{time.monotonic_ns()}"
        self._server.make_bucket(bucket)
        return _order(name, self._server.secret, self._server.url, bucket)

    async def write(self, mount_path: str, name: str, text: str) -> None:
        await asyncio.to_thread(Path(self.base, mount_path, name).write_text, text)

    async def read(self, mount_path: str, name: str) -> str:
        return await asyncio.to_thread(Path(self.base, mount_path, name).read_text)

    def kill_program(self, mount_path: str) -> None:
        for pid in self._programs(mount_path):
            os.kill(pid, signal.SIGKILL)

    def snatch(self, mount_path: str) -> None:
        detach(f"{self.base}/{mount_path}")

    def freeze_server(self) -> None:
        self._server.freeze()

    def thaw_server(self) -> None:
        self._server.thaw()

    def left(self) -> list[str]:
        folders = Path(self.base).glob("*/*")
        run_dir = self.layout.run_dir
        private = [
            path
            for name in ("records", "secrets", "staging", "logs")
            for path in (run_dir / name).iterdir()
        ]
        return [
            *(str(path) for path in [*folders, *private]),
            *(str(pid) for pid in self._programs("")),
        ]

    async def close(self) -> None:
        """Never asks a mount how it is: it may hang."""
        self._server.thaw()
        clear(str(self._directory))
        if self._mounter is not None:
            async with asyncio.timeout(20):
                while self._mounter.hanging:  # noqa: ASYNC110 # the end of a test may poll
                    await asyncio.sleep(0.05)
            self._mounter.close()

    def _programs(self, mount_path: str) -> list[int]:
        return programs(f"{self.base}/{mount_path}")


class Node:
    """A keeper at work, and the questions that a test asks it."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        terms = Terms(
            directory=trial.base,
            judge=lambda order: judge(order, Rules()),
            clock=time.time,
            pace=Pace(_PROBE_EVERY_S),
        )
        self.keeper = Keeper(trial.mounter(), terms)
        self._running = asyncio.create_task(self.keeper.run())

    async def stop(self) -> None:
        """As a process that is killed: nothing is tidied up."""
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running


def programs(words: str) -> list[int]:
    """The FUSE programs with these words on their command lines."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if "s3fs" in line.partition(" ")[0] and words in line:
                found.append(int(place.name))
    return found


def clear(directory: str) -> None:
    """End every program and every mount below a directory, without asking how they are."""
    for pid in programs(directory):
        os.kill(pid, signal.SIGKILL)
    for entry in parse(Path("/proc/self/mountinfo").read_text()):
        if entry.mountpoint.startswith(directory) and is_mounted(entry.mountpoint):
            umount(entry.mountpoint, MNT_FORCE)
            detach(entry.mountpoint)


def absent(order: DesiredMount) -> DesiredMount:
    return order.model_copy(update={"wanted": Wanted.ABSENT, "secret": None})


def with_keys(order: DesiredMount, secret: VolumeSecret) -> DesiredMount:
    return order.model_copy(update={"secret": secret})


def orders(*mounts: DesiredMount) -> MountOrders:
    return MountOrders(mounts=mounts)


def _order(name: str, secret: VolumeSecret, url: str, bucket: str = "") -> DesiredMount:
    options = OssfsOptions(bucket=bucket or name, url=url, other_opts=_IMPATIENT)
    volume = VolumeSpec(name=name, driver="ossfs", ossfs=options)
    return DesiredMount(volume=volume, secret=secret)
