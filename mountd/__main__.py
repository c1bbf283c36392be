"""`python -m mountd`: settings from the environment, then run until told to stop."""

import os
import sys

import structlog
import uvloop
from pydantic import ValidationError

from mountd.app import run
from mountd.logs import configure
from mountd.settings import Settings
from schemas.codec import first_fault

log = structlog.get_logger()


def main() -> None:
    """Exit codes: 0 told to stop, 1 failed, 2 a setting is wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        message, where = first_fault(error)
        sys.stderr.write(f"TROOPERS_MOUNTD_{where.upper()}: {message}\n")
        sys.exit(2)
    configure(settings.log_level)
    # Whatever it was: what is private here gets a mode of its own, and the rest is to be passed.
    os.umask(0o022)
    exit_code = 0
    try:
        uvloop.run(run(settings))
    except* OSError as group:
        for fault in group.exceptions:
            log.error("mountd stops", error=str(fault))  # noqa: TRY400 # a cause outside of it
        exit_code = 1
    sys.stderr.flush()
    # Whoever waits for a process that hangs in the kernel would keep an ordinary exit waiting.
    os._exit(exit_code)


if __name__ == "__main__":
    main()
