"""`python -m coordinator`: run until told to stop."""

import gc
import sys

from coordinator.app import run
from coordinator.settings import Settings
from daemon.start import start

#: A thousand nodes are a million objects, which live long and hardly ever point in circles. With
#: Python's own thresholds the search for circles among them took 43 % of the coordinator's time,
#: and each full one 0.2 s in which no heartbeat is heard. Now a pass over 1,000 nodes takes 430 ms
#: of processor time instead of 650, and a full search is one in thousands of passes.
GC_THRESHOLDS = (100_000, 50, 100)

#: Passes run in a thread, and the loop waits so long for each of its turns meanwhile: with Python's
#: own 5 ms an echo on one of twelve connections takes 8 ms instead of 1.
SWITCH_INTERVAL_S = 0.0002


def main() -> None:
    """Exit codes: 0 told to stop, 1 failed, 2 a setting is wrong."""
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    start(Settings, run)


if __name__ == "__main__":
    main()
