"""Mounting an export or a bucket. A failed attempt leaves nothing behind."""

import fcntl
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mountd.domain.faults import is_missing_directory, nfs_reason, ossfs_reason
from mountd.errands.kernel import MNT_FORCE, detach, is_mounted, started, umount
from mountd.errands.places import (
    PlaceRefusedError,
    make_directories,
    make_mountpoint,
    remove_mountpoint,
)
from mountd.errands.result import Result

#: Nothing of the caller's: some programs take keys and options from their environment.
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/nonexistent"}
_SAID_BYTES_MAX = 4096


def mount_export(order: dict[str, Any]) -> Result:
    """Mount `source`; where the server has no such directory, make it first."""
    return _attempt(order, order["source"], _mount_export)


def mount_bucket(order: dict[str, Any]) -> Result:
    """Start the program that serves the bucket, and see it answer."""
    return _attempt(order, order["name"], _mount_bucket)


def _attempt(
    order: dict[str, Any], what: str, mount: Callable[[dict[str, Any], str, float], Result]
) -> Result:
    """One attempt at a time, also of errands whose mountd has gone."""
    until = time.monotonic() + order["deadline_s"]
    try:
        with _claimed(order["lock"]):
            path = make_mountpoint(order["base"], order["folder"], order["name"])
            if is_mounted(path):
                return Result("failed", f"something is mounted at {path} already")
            result = mount(order, path, until)
            if result.word != "done":
                remove_mountpoint(order["base"], order["folder"], order["name"])
            return result
    except BlockingIOError:
        return Result("failed", f"an earlier attempt to mount {what} has not ended yet")
    except (PlaceRefusedError, OSError) as error:
        return Result("failed", f"mounting {what} failed: {error}")


@contextmanager
def _claimed(lock: str) -> Iterator[None]:
    lock_fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock_fd)


def _mount_export(order: dict[str, Any], path: str, until: float) -> Result:
    said = _mount_nfs(order, order["source"], path, order["options"], until)
    if said is not None and is_missing_directory(said) and order["create"]:
        reason = _make_remote(order, until)
        if reason:
            return Result("failed", reason)
        said = _mount_nfs(order, order["source"], path, order["options"], until)
    return Result("done") if said is None else Result("failed", nfs_reason(said, order["source"]))


def _mount_bucket(order: dict[str, Any], path: str, until: float) -> Result:
    program = _start(order)
    if _serves(program, path, until):
        return Result("done", pid=program.pid, started=started(program.pid))
    has_ended = program.poll() is not None
    umount(path, MNT_FORCE)
    detach(path)
    program.kill()
    program.wait()
    said = _tail(order["log"])
    if not said and not has_ended:
        said = "timed out"
    return Result("failed", ossfs_reason(said, order["name"]))


def _mount_nfs(
    order: dict[str, Any], source: str, path: str, options: str, until: float
) -> str | None:
    """None, or what mount.nfs said."""
    try:
        done = subprocess.run(
            [order["program"], source, path, "-o", options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_ENVIRONMENT,
            timeout=max(until - time.monotonic(), 0.1),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "timed out"
    said = done.stdout[-_SAID_BYTES_MAX:].decode(errors="replace")
    return None if done.returncode == 0 else said or "no reason given"


def _make_remote(order: dict[str, Any], until: float) -> str:
    """Make the directory, in the export's root mounted where nobody else gets; why not, or ''."""
    staging = Path(order["staging"], order["name"])
    detach(str(staging))
    staging.mkdir(mode=0o700, exist_ok=True)
    try:
        said = _mount_nfs(order, order["root"], str(staging), order["staging_options"], until)
        if said is not None:
            why = nfs_reason(said, order["root"])
            return f"the server has no {order['source']}, and it can't be made: {why}"
        root_fd = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            make_directories(root_fd, order["parts"], order["mode"])
        finally:
            os.close(root_fd)
    except PlaceRefusedError as error:
        return f"the server has no {order['source']}, and it can't be made: {error}"
    except OSError as error:
        why = os.strerror(error.errno or 0).lower()
        return f"the server has no {order['source']}, and it can't be made: {why}"
    finally:
        detach(str(staging))
        staging.rmdir()
    return ""


def _start(order: dict[str, Any]) -> subprocess.Popen[bytes]:
    log_fd = os.open(
        order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW, 0o600
    )
    try:
        # A session of its own: it outlives this errand, and the mountd that started it.
        return subprocess.Popen(
            [order["program"], *order["arguments"]],
            stdin=subprocess.DEVNULL,
            stdout=log_fd,
            stderr=log_fd,
            cwd="/",
            env=_ENVIRONMENT,
            start_new_session=True,
        )
    finally:
        os.close(log_fd)


def _serves(program: subprocess.Popen[bytes], path: str, until: float) -> bool:
    """Whether it mounts, and a first question comes back, while the program lives."""
    question: int | None = None
    while time.monotonic() < until and program.poll() is None:
        if question is None and is_mounted(path):
            question = _ask(path)
        if question is not None:
            pid, status = os.waitpid(question, os.WNOHANG)
            if pid:
                # It answers before it has looked at the bucket; wait for what it thinks of that.
                return status == 0 and _stays(program)
        time.sleep(0.02)  # noqa: TID251 # an errand has nothing else to do
    return False


def _ask(path: str) -> int:
    """Ask from a process of its own, which may hang."""
    pid = os.fork()
    if pid == 0:
        try:
            Path(path).stat()
        except OSError:
            os._exit(1)
        os._exit(0)
    return pid


def _stays(program: subprocess.Popen[bytes]) -> bool:
    try:
        program.wait(0.1)
    except subprocess.TimeoutExpired:
        return True
    return False


def _tail(log: str) -> str:
    return Path(log).read_bytes()[-_SAID_BYTES_MAX:].decode(errors="replace").strip()
