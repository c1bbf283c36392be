"""Whether a mount's server answers. What happens here may hang: that is an answer, too."""

import errno
import os
import secrets
from pathlib import Path
from typing import Any

from mountd.errands.places import PlaceRefusedError
from mountd.errands.result import Result
from mountd.errands.sub_paths import Share, hold

#: The server has answered, if only to refuse.
_ANSWERS = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR}
#: The mount can't come back: the program behind it has gone, or its directory on the server.
_DEAD = {
    errno.ENOTCONN: "the program that serves it has ended",
    errno.ECONNABORTED: "the program that serves it was cut off",
    errno.ESTALE: "the server has forgotten it: it was removed or exported anew",
}


def probe(order: dict[str, Any]) -> Result:
    """Ask for the file system's numbers, and for a name that nobody has ever asked for.

    Where the server answers, hold the sub paths that are asked for. That one of them takes long is
    no news of the server, so its answer is said before.
    """
    share = Share(order["base"], order["mount_path"], order["incarnation"])
    found = _ask(Path(share.base, share.mount_path))
    if found.word != "answered" or order["sub_paths"] is None:
        return found
    Result("answered", f"looking for it did not end within {order['alarm_s']:g} s").say()
    try:
        return Result("answered", sub_paths=hold(share, order["sub_paths"]))
    except (PlaceRefusedError, OSError) as error:
        # Why it can't be done is this node's affair; the server has answered.
        return Result("answered", sub_paths=dict.fromkeys(order["sub_paths"], ("", str(error))))


def _ask(mountpoint: Path) -> Result:
    try:
        if mountpoint.lstat().st_dev == mountpoint.parent.lstat().st_dev:
            return Result("dead", "nothing is mounted there any more")
        os.statvfs(mountpoint)
        # No cache can know it, so it is a question to the server.
        (mountpoint / f".troopers-probe-{secrets.token_hex(8)}").lstat()
    except OSError as error:
        return _judge(error)
    return Result("answered")


def _judge(error: OSError) -> Result:
    number = error.errno or 0
    if number in _ANSWERS:
        return Result("answered")
    if number in _DEAD:
        return Result("dead", _DEAD[number])
    return Result("silent", f"the server doesn't serve it: {os.strerror(number).lower()}")
