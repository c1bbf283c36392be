"""The guard of tests/guard.py catches each kind of leak, and blames the test whose leak it is."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cli.identity import ProcessIdentity
from cli.machines import Registration
from mountd.domain.mountinfo import parse
from mountd.errands.kernel import detach
from tests import guard

ROOT = Path(__file__).parents[2]

OPTIONS = """[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""
CONFTEST = """
import threading
from pathlib import Path
from tests import guard

guard.MOMENT_S = {moment_s}
guard._NAMESPACES = Path(__file__).parent / "netns"
released = threading.Event()


def pytest_sessionfinish():
    released.set()
"""
IMPORTS = """
import asyncio, subprocess, threading, time
import pytest
from conftest import released
from cli.dockerd import Dockerd
from tests import guard

"""
LEAKS = (
    IMPORTS
    + """
@pytest.fixture(scope="module")
def longer():
    process = subprocess.Popen(["sleep", "61"])
    yield
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def longest():
    subprocess.Popen(["sleep", "62"])


async def test_task():
    asyncio.create_task(asyncio.Event().wait(), name="left alone")


def test_thread():
    threading.Thread(target=released.wait, name="left-alone").start()


def test_daemon_thread():
    threading.Thread(target=released.wait, name="left-alone-daemon", daemon=True).start()


def test_process():
    subprocess.Popen(["sleep", "60"])


def test_process_beside_one_of_a_longer_fixture(longer):
    subprocess.Popen(["sleep", "61"])


unwaited = []


def test_process_that_nobody_waits_for():
    unwaited.append(subprocess.Popen(["true"]))


def test_container(leak_guard, tmp_path_factory):
    home = tmp_path_factory.mktemp("engine")
    leak_guard.watch(Dockerd("trp999/n1", home))
    (home / "docker" / "containers" / "c0ffee").mkdir(parents=True)


def test_namespace():
    (guard._NAMESPACES / "trp999-n1").touch()


def test_mount(tmp_path):
    (tmp_path / "share").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "left", str(tmp_path / "share")], check=True)


def test_that_leaves_nothing_after_those_that_do():
    pass


def test_process_that_outlives_its_session_fixture(longest):
    pass
"""
)
CAUGHT = {
    "task": "task left alone: <coroutine object Event.wait",
    "thread": "thread left-alone",
    "daemon_thread": "thread left-alone-daemon",
    "process": "process sleep 60",
    "process_beside_one_of_a_longer_fixture": "process sleep 61",
    "process_that_nobody_waits_for": "that nobody has waited for",
    "container": "container c0ffee",
    "namespace": "namespace trp999-n1",
    "mount": "/share",
    "that_leaves_nothing_after_those_that_do": "",
    "process_that_outlives_its_session_fixture": "process sleep 62",
}
NO_LEAKS = (
    IMPORTS
    + """
started = []


@pytest.fixture(scope="module")
def longer():
    started.append(subprocess.Popen(["sleep", "61"]))
    yield
    started[-1].kill()
    started[-1].wait()


async def test_task_that_is_ending():
    asyncio.create_task(asyncio.sleep(0.05))


async def test_thread_of_the_loops_executor():
    await asyncio.to_thread(int)


def test_thread_that_is_ending():
    threading.Thread(target=time.sleep, args=(0.05,)).start()


def test_process_that_is_ending():
    ending = subprocess.Popen(["sleep", "0.05"])
    threading.Thread(target=ending.wait).start()


def test_process_of_a_longer_fixture(longer):
    pass


def test_process_of_a_longer_fixture_that_is_started_again(longer):
    started[-1].kill()
    started[-1].wait()
    started.append(subprocess.Popen(["sleep", "61"]))
"""
)


def blamed(directory: Path, tests: str, moment_s: float) -> dict[str, str]:
    """What a run of these tests says of each of them."""
    (directory / "netns").mkdir()
    (directory / "conftest.py").write_text(CONFTEST.format(moment_s=moment_s))
    (directory / "test_leaks.py").write_text(tests)
    (directory / "pytest.ini").write_text(OPTIONS)
    report = directory / "report.xml"
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "tests.guard", f"--junitxml={report}"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DEBUG_TEMPROOT": str(directory)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        said = run.communicate(timeout=100)[0].decode()
    finally:
        # What was left behind, so that it is not left behind by us.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        for entry in parse(Path("/proc/self/mountinfo").read_text()):
            if entry.mountpoint.startswith(f"{directory}/"):
                detach(entry.mountpoint)
    assert report.exists(), said
    return {
        case.attrib["name"].removeprefix("test_"): "".join(
            found.attrib["message"] for found in case
        )
        for case in ET.parse(report).getroot().iter("testcase")
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_each_kind_of_leak_is_caught_where_it_happens(tmp_path: Path) -> None:
    told = blamed(tmp_path, LEAKS, moment_s=0.1)
    assert told.keys() == CAUGHT.keys()
    for name, what in CAUGHT.items():
        if what:
            assert "left behind: " in told[name], name
            assert what in told[name]
            assert ";" not in told[name], "somebody else's leak"
        else:
            assert told[name] == ""


def test_what_is_ending_or_belongs_to_a_longer_fixture_is_no_leak(tmp_path: Path) -> None:
    told = blamed(tmp_path, NO_LEAKS, moment_s=20.0)
    assert len(told) == NO_LEAKS.count("def test_")
    assert set(told.values()) == {""}


@pytest.mark.parametrize(("home", "is_ours"), [("/base/home", True), ("/elsewhere/home", False)])
def test_a_network_of_another_session_is_none_of_ours(
    monkeypatch: pytest.MonkeyPatch, home: str, is_ours: bool
) -> None:
    alive = ProcessIdentity.of(os.getpid())
    assert alive is not None
    owner = {"pid": alive.pid, "start_ticks": alive.start_ticks, "boot_id": alive.boot_id}
    network = Registration(3, 1, home, live_restore=False, is_kept=False, owner=owner)
    monkeypatch.setattr(guard, "registrations", lambda: [network])
    names = ["trp3-n1", "/run/troopers/trp3/n1/docker/netns/x"]
    assert list(guard.ours(names, Path("/base"))) == (names if is_ours else [])
    assert list(guard.ours(["trp33-n1", "/base/x", "/elsewhere/x"], Path("/base"))) == [
        "trp33-n1",
        "/base/x",
    ]
