"""A test fails that leaves something behind: a task, thread, process, mount, namespace, container.

What the setup of a fixture of a longer scope makes belongs to that fixture until it has ended; all
else has to be gone once a test's own fixtures are torn down, and everything after the last test.
A plugin of pytest: tests/conftest.py loads it.
"""

import asyncio
import contextlib
import re
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.dockerd import Dockerd
from cli.machines import registrations

#: What is ending already gets so long (s). Only a test that leaves something waits for it.
MOMENT_S = 5.0
_LOOK_S = 0.01
_NAMESPACES = Path("/run/netns")
#: the bridge of a lab network, in the name of its namespaces and in the paths below /run/troopers
_BRIDGE = re.compile(r"\btrp\d+\b")


@dataclass(frozen=True, order=True, slots=True)
class Left:
    """Something that may be left behind."""

    kind: str
    key: str
    #: that of a process changes when it becomes another program
    name: str = field(compare=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class LeakGuard:
    """Compares what there is before and after each test, at the cost of a few files of /proc."""

    def __init__(self) -> None:
        #: Where this session's tests write. Several sessions may share a machine, and mounts
        #: elsewhere are none of ours.
        self.base = Path("/nonexistent")
        self._engines: list[Path] = []
        self._known = self._look()
        self._held: dict[object, set[Left]] = {}

    def watch(self, engine: Dockerd) -> None:
        """See the containers of this engine too, whether it answers or not."""
        self._engines.append(engine.home / "docker" / "containers")

    @contextlib.contextmanager
    def holding(self, owner: object) -> Iterator[None]:
        """What the block makes may outlive the test, until `release` says that it must be gone."""
        before = self.left()
        yield
        self._held[owner] = self.left() - before

    def release(self, owner: object) -> None:
        self._held.pop(owner, None)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any]
    ) -> Generator[None, object, object]:
        if fixturedef.scope == "function":
            value = yield
        else:
            with self.holding(fixturedef):
                value = yield
        if isinstance(value, asyncio.Runner):
            # It runs after the end of everything that uses the loop, and before the loop's own.
            fixturedef.addfinalizer(partial(no_task_is_left, value))
        return value

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        self.release(fixturedef)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            self._nothing_is_left()

    def _nothing_is_left(self) -> None:
        give_up_at = time.monotonic() + MOMENT_S
        while left := self.left():
            if time.monotonic() >= give_up_at:
                # Said once: the next test is not to blame.
                self._known |= left
                pytest.fail(_told(left), pytrace=False)
            time.sleep(_LOOK_S)

    def left(self) -> set[Left]:
        """What there is now, and was neither there at first nor belongs to a longer fixture."""
        there, held = self._look(), set[Left]().union(*self._held.values())
        left = there - self._known - held
        # One that a test has started again goes on being its fixture's.
        gone = Counter((each.kind, each.name) for each in held - there)
        for each in sorted(left):
            if gone[each.kind, each.name]:
                gone[each.kind, each.name] -= 1
                left.remove(each)
        return left

    def _look(self) -> set[Left]:
        return {
            *(Left("thread", str(each.ident), each.name) for each in threading.enumerate()),
            *(Left("process", pid, _command(pid)) for pid in _children()),
            *(Left("mount", path, path) for path in ours(_mounts(), self.base)),
            *(Left("namespace", name, name) for name in ours(_names(_NAMESPACES), self.base)),
            *(Left("container", name, name) for place in self._engines for name in _names(place)),
        }


def ours(names: Iterable[str], base: Path) -> Iterator[str]:
    """Those below `base`, and those of lab networks unless another session or a person runs them."""
    for name in names:
        bridge = _BRIDGE.search(name)
        if name.startswith(f"{base}/") or (bridge and not _is_of_others(bridge[0], base)):
            yield name


def _is_of_others(bridge: str, base: Path) -> bool:
    return any(
        f"trp{each.number}" == bridge
        and not Path(each.home).is_relative_to(base)
        and not each.is_abandoned
        for each in registrations()
    )


def no_task_is_left(runner: asyncio.Runner) -> None:
    """Fail if anything is still at work on the loop, after a moment of the loop's own time."""
    loop = runner.get_loop()
    if not asyncio.all_tasks(loop):
        return

    async def ending() -> set[str]:
        give_up_at = loop.time() + MOMENT_S
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            if loop.time() >= give_up_at:
                return {f"{task.get_name()}: {task.get_coro()}" for task in others}
            await asyncio.sleep(_LOOK_S)
        return set()

    left = runner.run(ending())
    if left:
        pytest.fail(_told(Left("task", name, name) for name in left), pytrace=False)


def _told(left: Iterable[Left]) -> str:
    return f"left behind: {'; '.join(sorted(map(str, left)))}"


def _children() -> Iterator[str]:
    for task in Path("/proc/self/task").iterdir():
        yield from _text(task / "children").split()


def _command(pid: str) -> str:
    words = _text(Path(f"/proc/{pid}/cmdline")).replace("\0", " ").strip()
    return words or f"{pid} that has ended, and that nobody has waited for"


def _mounts() -> Iterator[str]:
    for line in _text(Path("/proc/self/mountinfo")).splitlines():
        yield line.split(" ", 5)[4]


def _names(directory: Path) -> list[str]:
    try:
        return [path.name for path in directory.iterdir()]
    except FileNotFoundError:
        return []


def _text(path: Path) -> str:
    """Empty when it is gone, as what it was about."""
    try:
        return path.read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_GUARD] = LeakGuard()
    config.pluginmanager.register(config.stash[_GUARD], "leak guard")


_GUARD: pytest.StashKey[LeakGuard] = pytest.StashKey()


@pytest.fixture(scope="session", autouse=True)
def leak_guard(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> LeakGuard:
    guard = request.config.stash[_GUARD]
    guard.base = tmp_path_factory.getbasetemp()
    return guard
