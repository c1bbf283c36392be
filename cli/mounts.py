"""Each node's mountd on this machine: a directory of its own to mount below, and a clean end.

mountd leaves its mounts when it ends, so that a restart harms nobody; whoever made the directory
takes them away again.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from cli.dockerd import RUNTIME_ROOT, remove_if_empty
from cli.errors import CommandFailed
from cli.processes import Child

#: a lazy unmount never waits for a server, but the program may
_UNMOUNT_DEADLINE_S = 10.0


def has_mountd() -> bool:
    """Whether this process may run one: mounting is root's work."""
    return os.geteuid() == 0


class MountPlace:
    """Where one node's mountd listens and mounts."""

    def __init__(self, home: Path, node: str) -> None:
        # Below /run, because the path of a unix socket is short, and a boot clears it.
        self.runtime = RUNTIME_ROOT / f"m-{sha256(f'{home}/{node}'.encode()).hexdigest()[:10]}"
        self.socket = self.runtime / "mountd.sock"
        self.directory = home / f"volumes-{node}"

    def mountd(self, home: Path, node: str, enter: Sequence[str]) -> Child:
        """The process, not started."""
        return Child(
            f"mountd-{node}",
            [*enter, sys.executable, "-m", "mountd"],
            home,
            ready=self.socket.exists,
            environment={
                "TROOPERS_MOUNTD_SOCKET": str(self.socket),
                "TROOPERS_MOUNTD_BASE": str(self.directory),
                "TROOPERS_MOUNTD_RUN_DIR": str(self.runtime / "run"),
            },
        )

    def prepare(self) -> None:
        self.runtime.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)

    def destroy(self) -> None:
        """Unmount whatever is mounted there, busy or hung, and remove the traces. Repeatable."""
        for place in (self.directory, self.runtime):
            unmount_below(place)
        remove_tree(self.runtime)
        remove_if_empty(RUNTIME_ROOT)


def unmount_below(directory: Path) -> None:
    """Detach every mount below a directory, the innermost first."""
    for mountpoint in sorted(_mountpoints(directory), reverse=True):
        subprocess.run(
            ["umount", "--lazy", mountpoint],
            check=False,
            capture_output=True,
            timeout=_UNMOUNT_DEADLINE_S,
        )


def remove_tree(directory: Path) -> None:
    """Remove a directory with all its contents, none of which may be somebody's shared storage.

    Raises CommandFailed, with nothing removed, while something is still mounted there.
    """
    if left := _mountpoints(directory):
        raise CommandFailed(f"{left[0]} is still mounted: unmount it and try again")
    shutil.rmtree(directory, ignore_errors=True)


def _mountpoints(directory: Path) -> list[str]:
    """From the kernel's table: a look at the directory itself might hang."""
    table = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    places = (_unescaped(line.split(" ")[4]) for line in table.splitlines())
    return [place for place in places if place.startswith(f"{directory}/")]


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)
