"""`python -m mountd.errands`: run the errand that standard input asks for."""

import json
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

from mountd.errands.mounting import mount_bucket, mount_export
from mountd.errands.probing import probe
from mountd.errands.result import Result
from mountd.errands.unmounting import sweep, unmount

ERRANDS: dict[str, Callable[[dict[str, Any]], Result]] = {
    "mount_bucket": mount_bucket,
    "mount_export": mount_export,
    "probe": probe,
    "sweep": sweep,
    "unmount": unmount,
}


def main() -> None:
    """Ends by SIGALRM, with what was said until then, if the operation outlasts `alarm_s`."""
    order = json.load(sys.stdin)
    # The default action of SIGALRM ends the process, even inside of a system call that can be
    # killed. One that can't is the parent's business.
    signal.setitimer(signal.ITIMER_REAL, order["alarm_s"])
    # A crash must not leave the memory of a root process on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ERRANDS[order["kind"]](order).say()


if __name__ == "__main__":
    main()
