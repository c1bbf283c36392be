"""`python -m agent`: settings from the environment, then run until told to stop."""

import os
import sys

import structlog
import uvloop
from pydantic import ValidationError

from agent.app import run
from agent.logs import configure
from agent.settings import Settings
from schemas.codec import first_fault
from schemas.errors import TroopersError

log = structlog.get_logger()


def main() -> None:
    """Exit codes: 0 told to stop, 1 failed, 2 a setting is wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        message, where = first_fault(error)
        sys.stderr.write(f"TROOPERS_AGENT_{where.upper()}: {message}\n")
        sys.exit(2)
    configure(settings.log_level)
    exit_code = 0
    try:
        uvloop.run(run(settings))
    except* (TroopersError, OSError) as group:
        # The chain of causes is in the log where it happened; here one line says why we stop.
        for fault in group.exceptions:
            log.error("the agent stops", error=str(fault))  # noqa: TRY400
        exit_code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # A thread in a call to a hung engine can't be cancelled, and an ordinary exit waits for it.
    os._exit(exit_code)


if __name__ == "__main__":
    main()
