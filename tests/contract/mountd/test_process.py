"""mountd as a process: what survives it, and what it never shows."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agent.adapters.mountd_client import MountdClient, MountdUnavailable
from schemas.current import MountCurrent
from schemas.desired import DesiredMount
from schemas.states import MountState
from tests.contract.mountd.conftest import NEEDS_ROOT
from tests.contract.mountd.test_mounts import nothing_is_left
from tests.contract.mountd.trials import RealTrial, absent, orders, programs

pytestmark = NEEDS_ROOT


class Daemon:
    """`python -m mountd`, as a unit would start it."""

    def __init__(self, trial: RealTrial) -> None:
        self._trial = trial
        self._run_dir = trial.layout.run_dir
        self.log = self._run_dir.parent / "mountd.log"
        self.client = MountdClient(self._run_dir / "sock")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        settings = {
            "SOCKET": str(self._run_dir / "sock"),
            "RUN_DIR": str(self._run_dir),
            "BASE": self._trial.base,
            "LOG_LEVEL": "debug",
            "PROBE_EVERY_S": "0.4",
            "PROBE_DEADLINE_S": "1",
        }
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "mountd"),
                env={f"TROOPERS_MOUNTD_{name}": value for name, value in settings.items()},
                stdout=log,
                stderr=log,
            )

    async def end(self, number: int) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await self._process.wait()

    async def until(
        self, what: Callable[[MountCurrent | None], bool], order: DesiredMount
    ) -> MountCurrent | None:
        seen = -1
        async with asyncio.timeout(40):
            while True:
                try:
                    asked = orders(order).model_copy(update={"seen": seen, "wait_s": 1.0})
                    report = await self.client.report(asked)
                except MountdUnavailable:
                    assert self._process is not None
                    assert self._process.returncode is None, self.log.read_text()[-3000:]
                    await asyncio.sleep(0.05)
                    continue
                seen = report.number
                current = next((one for one in report.mounts if one.name == order.name), None)
                if what(current):
                    return current

    async def until_logged(self, what: str, times: int) -> None:
        async with asyncio.timeout(20):
            while self.log.read_text().count(what) < times:  # noqa: ASYNC110 # a log sets no event
                await asyncio.sleep(0.05)

    async def mounted(self, order: DesiredMount) -> MountCurrent:
        current = await self.until(_is(MountState.MOUNTED), order)
        assert current is not None
        return current


def _is(state: MountState) -> Callable[[MountCurrent | None], bool]:
    return lambda current: current is not None and current.state is state


@pytest.fixture
async def daemon(real_trial: RealTrial) -> AsyncIterator[Daemon]:
    daemon = Daemon(real_trial)
    await daemon.start()
    try:
        yield daemon
    finally:
        await daemon.client.close()
        await daemon.end(signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_mounts_survive_mountd_and_are_the_same_to_the_next_one(
    daemon: Daemon, real_trial: RealTrial, number: int
) -> None:
    order = real_trial.order("photos")
    before = await daemon.mounted(order)
    exit_code = await daemon.end(number)
    assert exit_code == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    assert "Traceback" not in daemon.log.read_text()
    await real_trial.write(order.volume.mount_path, "a", "written without mountd")

    await daemon.start()
    after = await daemon.mounted(order)
    assert after.incarnation == before.incarnation
    assert await real_trial.read(order.volume.mount_path, "a") == "written without mountd"
    await daemon.until(lambda current: current is None, absent(order))
    await nothing_is_left(real_trial)


async def test_keys_show_nowhere(daemon: Daemon, real_trial: RealTrial) -> None:
    order = real_trial.order("photos")
    assert order.secret is not None
    secret = order.secret.ak_secret
    looking = asyncio.create_task(_look_for(secret))
    current = await daemon.mounted(order)
    for pid in programs(current.mountpoint):
        os.kill(pid, signal.SIGKILL)
    await daemon.until(
        lambda now: _is(MountState.MOUNTED)(now) and now != current,
        order,
    )
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    report = await daemon.client.report(orders(order))
    assert secret not in report.model_dump_json()
    assert secret not in daemon.log.read_text()
    table = _text("/proc/self/mountinfo")
    assert "troopers-photos" in table
    assert secret not in table
    # Once the program has read them, the keys are not on this machine any more.
    files = [path for path in real_trial.layout.run_dir.rglob("*") if path.is_file()]
    assert [path for path in files if secret in path.read_text()] == []


@pytest.mark.long
async def test_a_server_that_comes_back_frees_what_hung(
    daemon: Daemon, real_trial: RealTrial
) -> None:
    order = real_trial.order("photos")
    await daemon.mounted(order)
    real_trial.freeze_server()
    await daemon.until(_is(MountState.STUCK), order)
    await daemon.until_logged("a process hangs in the kernel", 1)
    real_trial.thaw_server()
    await daemon.mounted(order)
    hung = daemon.log.read_text().count("a process hangs in the kernel")
    await daemon.until_logged("a process that hung has ended", hung)


def _text(path: str) -> str:
    return Path(path).read_text(errors="replace")


async def _look_for(secret: str) -> None:
    """Every command line and environment of the machine, again and again."""
    while True:
        for pid in await asyncio.to_thread(os.listdir, "/proc"):
            for name in ("cmdline", "environ") if pid.isdigit() else ():
                try:
                    text = _text(f"/proc/{pid}/{name}")
                except OSError:
                    # It has ended meanwhile.
                    continue
                assert secret not in text, (pid, name)
        await asyncio.sleep(0.005)
