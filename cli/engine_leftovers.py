"""Removes what an engine of ours leaves: processes, mounts, control groups, files.

Only things that carry the engine's own names are touched: its control group and its directories.
"""

import shutil
import signal
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from cli.commands import succeeds
from cli.identity import PROC, ProcessIdentity, all_pids
from cli.waiting import wait_until

_CGROUP_ROOT = Path("/sys/fs/cgroup")
#: SIGKILL works at once, except on a process in a kernel wait.
_KILL_DEADLINE_S = 10.0


def remove_leftovers(cgroup: str, directories: Sequence[Path]) -> None:
    """Remove everything an ended engine left. Safe to repeat."""
    _kill(_members(cgroup, directories))
    for mount_point in reversed(_mounts_below(directories)):
        succeeds(["umount", "--lazy", mount_point])
    for group in _groups(cgroup):
        _remove_group(group)
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


def _members(cgroup: str, directories: Sequence[Path]) -> list[ProcessIdentity]:
    """Processes in the control group, and containerd's shims, which name our socket."""
    group = f"/{cgroup}/"
    addresses = {f"{directory}/containerd.sock" for directory in directories}
    found = []
    for pid in all_pids():
        identity = ProcessIdentity.of(pid)
        try:
            in_group = group in (PROC / str(pid) / "cgroup").read_text()
            arguments = (PROC / str(pid) / "cmdline").read_text(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        is_shim = "shim" in arguments[0] and bool(addresses.intersection(arguments))
        if is_shim:
            _shim_socket(arguments).unlink(missing_ok=True)
        if identity is not None and (in_group or is_shim):
            found.append(identity)
    return found


def _shim_socket(arguments: Sequence[str]) -> Path:
    """Where a shim of containerd 1.6 listens: outside our directories, and left when it's killed."""
    options = dict(pairwise(arguments))
    key = "/".join(options.get(name, "") for name in ("-address", "-namespace", "-id"))
    return Path("/run/containerd/s") / sha256(key.encode()).hexdigest()


def _kill(members: Sequence[ProcessIdentity]) -> None:
    for member in members:
        member.send(signal.SIGKILL)
    wait_until(lambda: not any(member.is_alive for member in members), _KILL_DEADLINE_S)


def _mounts_below(directories: Sequence[Path]) -> list[str]:
    """Mount points inside the directories, parents first."""
    below = tuple(f"{directory}/" for directory in directories)
    points = [
        line.split()[4] for line in (PROC / "self/mountinfo").read_text().splitlines() if line
    ]
    return sorted(point for point in points if f"{point}/".startswith(below))


def _groups(cgroup: str) -> list[Path]:
    """The group in each hierarchy: one with cgroup v2, about ten with v1."""
    candidates = [_CGROUP_ROOT / cgroup, *(path / cgroup for path in _CGROUP_ROOT.glob("*"))]
    return [path for path in candidates if path.is_dir()]


def _remove_group(group: Path) -> None:
    """A control group is removed as an empty directory, its children first."""
    children = sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True)
    for path in (*children, group):
        # EBUSY for a moment after the last process in it has died.
        wait_until(lambda path=path: _removed(path), 2.0)  # type: ignore[misc]


def _removed(path: Path) -> bool:
    try:
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
