"""`python -m coordinator`: settings from the environment, then run until told to stop."""

import sys

import structlog
import uvloop
from pydantic import ValidationError

from coordinator.app import run
from coordinator.logs import configure
from coordinator.settings import Settings
from schemas.codec import first_fault
from schemas.errors import TroopersError

log = structlog.get_logger()


def main() -> None:
    """Exit codes: 0 told to stop, 1 failed, 2 a setting is wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        message, where = first_fault(error)
        sys.stderr.write(f"TROOPERS_COORDINATOR_{where.upper()}: {message}\n")
        sys.exit(2)
    configure(settings.log_level)
    try:
        uvloop.run(run(settings))
    except* (TroopersError, OSError) as group:
        # The chain of causes is in the log where it happened; here one line says why we stop.
        for fault in group.exceptions:
            log.error("the coordinator stops", error=str(fault))  # noqa: TRY400
        sys.exit(1)


if __name__ == "__main__":
    main()
