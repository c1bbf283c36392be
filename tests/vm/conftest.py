"""One virtual machine and one NFS server for all rules here, which run in the order of their files.

They take a quarter of an hour and need root, so they run only where they are asked for by their path:
`make test-vm`, or `pytest tests/vm`. Writes: `.troopers/vm`.
"""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from cli.errors import CommandFailed
from cli.home import home, only_one
from cli.image import busybox_root
from cli.processes import stop_recorded
from tests.vm.machine import VirtualMachine, build_image
from tests.vm.nfs_server import NfsServer
from tests.vm.seen import Seen
from tests.vm.world import IMAGE, UNITS, VmWorld

_HERE = Path(__file__).parent
#: The last resort. Everything that waits has a deadline of its own, with a better message.
_TEST_DEADLINE_S = 1800
_RUN = home() / "vm" / "run"
_seen = Seen(home() / "vm" / "seen.txt")
_worlds: list[VmWorld] = []


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    asked_for = (config.invocation_params.dir / arg.partition("::")[0] for arg in config.args)
    return None if any(path.resolve().is_relative_to(_HERE) for path in asked_for) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.timeout(_TEST_DEADLINE_S))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the guest has to say with what failed."""
    report = yield
    if report.failed:
        for world in _worlds:
            report.sections.append(("the guest", world.describe()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _seen.lines:
        terminalreporter.section("what was seen")
        for line in _seen.lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def run_directory() -> Iterator[Path]:
    with only_one(_RUN):
        # A run that was killed could not clean up.
        stop_recorded(_RUN)
        yield _RUN


@pytest.fixture(scope="session")
def nfs(run_directory: Path) -> Iterator[NfsServer]:
    server = NfsServer(run_directory / "nfs")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def machine(run_directory: Path) -> Iterator[VirtualMachine]:
    machine = VirtualMachine(build_image(), run_directory / "machine")
    try:
        machine.start()
        yield machine
    finally:
        machine.stop()


@pytest.fixture(scope="session")
def world(machine: VirtualMachine, nfs: NfsServer) -> Iterator[VmWorld]:
    """The machine with a ready node and an image to run."""
    world = VmWorld(machine, nfs, _seen)
    _worlds.append(world)
    try:
        world.wait_until_ready()
        machine.guest.run(f"docker import - {IMAGE}", stdin=busybox_root())
        yield world
    finally:
        _worlds.clear()


@pytest.fixture(autouse=True)
def _everything_is_cleared_away(world: VmWorld) -> Iterator[None]:
    """What a failed test left behind must not fail the next one."""
    yield
    world.nfs.resume()
    world.clear()


@pytest.fixture(scope="session", autouse=True)
def _logs_are_kept(world: VmWorld, run_directory: Path) -> Iterator[None]:
    yield
    try:
        (run_directory / "journal.log").write_text(world.guest.journal(*UNITS, lines=20_000))
    except CommandFailed as error:
        (run_directory / "journal.log").write_text(f"the guest did not answer: {error}\n")
