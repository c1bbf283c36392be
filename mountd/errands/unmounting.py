"""Taking a mount away. Remote data is never touched: nothing here goes below a mountpoint."""

import errno
import os
from pathlib import Path
from typing import Any

from mountd.errands.kernel import MNT_FORCE, detach, end_process, is_mounted, umount
from mountd.errands.places import PlaceRefusedError, remove_mountpoint
from mountd.errands.result import Result
from mountd.errands.sub_paths import release

#: what a program gets to end by itself, and again after each signal
_PATIENCE_S = 2.0


def unmount(order: dict[str, Any]) -> Result:
    """Unmount politely; `lazily` without waiting for anybody, `by_force` failing those who wait."""
    path = f"{order['base']}/{order['folder']}/{order['name']}"
    is_busy = False
    try:
        if order["by_force"]:
            # Its result says nothing: with waiting users it is EBUSY, although they were freed.
            umount(path, MNT_FORCE)
        elif not order["lazily"] and is_mounted(path):
            is_busy = umount(path, 0) == errno.EBUSY
        # They would keep the file system alive.
        release(order["base"], f"{order['folder']}/{order['name']}")
        detach(path)
        # A program with users left serves them until they go, unless it can't anyway.
        if order["by_force"] or not is_busy:
            end_process(order["pid"], order["started"], patience_s=_PATIENCE_S)
        remove_mountpoint(order["base"], order["folder"], order["name"])
    except PlaceRefusedError as error:
        return Result("failed", str(error))
    except OSError as error:
        return Result("failed", f"unmounting failed: {os.strerror(error.errno or 0).lower()}")
    return Result("done")


def sweep(order: dict[str, Any]) -> Result:
    """Take away what an errand that was killed left mounted in the staging directory."""
    for left in sorted(Path(order["staging"]).iterdir()):
        detach(str(left))
        left.rmdir()
    return Result("done")
