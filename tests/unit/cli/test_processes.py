import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cli.errors import StartFailed
from cli.identity import ProcessIdentity
from cli.processes import Child, read_record, stop_recorded, write_record
from cli.waiting import wait_until


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    child = Child("sleeper", ["sleep", "60"], tmp_path, ready=lambda: True)
    yield child
    child.stop()


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def recycled(pid: int) -> ProcessIdentity:
    """A record of a process that had this pid before its present owner."""
    identity = ProcessIdentity.of(pid)
    assert identity is not None
    return replace(identity, start_ticks=identity.start_ticks - 1)


def test_a_recycled_pid_is_never_killed(
    tmp_path: Path, child: Child, stranger: subprocess.Popen[bytes]
) -> None:
    write_record(tmp_path / "sleeper.process.json", recycled(stranger.pid))
    assert not child.is_alive
    assert not recycled(stranger.pid).send(signal.SIGKILL)
    assert stop_recorded(tmp_path) == 0
    child.stop()
    assert stranger.poll() is None


def test_a_process_of_another_boot_is_not_taken_for_alive(
    stranger: subprocess.Popen[bytes],
) -> None:
    identity = ProcessIdentity.of(stranger.pid)
    assert identity is not None
    assert identity.is_alive
    assert not replace(identity, boot_id="another").is_alive


def test_a_later_command_finds_and_ends_what_an_earlier_one_started(
    tmp_path: Path, child: Child
) -> None:
    child.start()
    found_again = Child("sleeper", ["sleep", "60"], tmp_path, ready=lambda: True)
    assert found_again.pid == child.pid
    found_again.stop()
    assert not child.is_alive
    assert not list(tmp_path.glob("*.json"))


def test_starting_what_runs_starts_no_second_one(child: Child) -> None:
    child.start()
    pid = child.pid
    child.start()
    assert child.pid == pid


def test_a_process_that_dies_while_starting_is_reported_with_its_last_words(
    tmp_path: Path,
) -> None:
    child = Child("talker", ["sh", "-c", "echo no luck; exit 3"], tmp_path, ready=lambda: False)
    with pytest.raises(StartFailed, match="talker ended while starting") as failure:
        child.start()
    assert failure.value.log_tail == "no luck"


def test_a_process_that_never_gets_ready_is_reported_after_the_deadline(tmp_path: Path) -> None:
    child = Child("mute", ["sleep", "60"], tmp_path, ready=lambda: False)
    child.launch()
    with pytest.raises(StartFailed, match="mute is not ready"):
        child.wait_ready(deadline_s=0.1)
    child.stop()


def test_a_killed_process_is_started_anew(child: Child) -> None:
    child.start()
    pid = child.pid
    child.kill()
    assert not child.is_alive
    child.restart()
    assert child.pid != pid


def test_a_paused_process_can_be_stopped(child: Child) -> None:
    child.start()
    child.pause()
    assert child.is_alive
    child.stop(grace_s=2)
    assert not child.is_alive


def test_stopping_takes_along_what_the_process_started(tmp_path: Path) -> None:
    script = "import subprocess, time; p = subprocess.Popen(['sleep', '60']); time.sleep(60)"
    child = Child("parent", [sys.executable, "-c", script], tmp_path, ready=lambda: True)
    child.start()
    identity = child.identity
    assert identity is not None
    assert wait_until(lambda: bool(identity.descendants()), 10)
    family = identity.descendants()
    child.stop()
    assert wait_until(lambda: not any(member.is_alive for member in family), 2)


def test_a_torn_record_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "torn.process.json"
    path.write_text('{"pid": 1')
    assert read_record(path) is None
