"""`python -m coordinator`: run until told to stop."""

import sys

from coordinator.app import run
from coordinator.settings import Settings
from daemon.start import start

#: Passes run in a thread, and the loop waits so long for each of its turns meanwhile: with Python's
#: own 5 ms an echo on one of twelve connections takes 8 ms instead of 1.
SWITCH_INTERVAL_S = 0.0002


def main() -> None:
    """Exit codes: 0 told to stop, 1 failed, 2 a setting is wrong."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    start(Settings, run)


if __name__ == "__main__":
    main()
