"""Places where a test may make the process die, as `kill -9` would.

`TROOPERS_FAIL=after_record_put` ends the process the first time that point is reached. Unset, which
is always so outside of tests, a point costs one dictionary look-up.
"""

import os

FAIL_VARIABLE = "TROOPERS_FAIL"
#: what a shell reports for a process killed by SIGKILL
KILLED = 137


def failpoint(name: str) -> None:
    """Die here if the environment asks for it: no clean-up, no flush."""
    if os.environ.get(FAIL_VARIABLE) == name:
        os._exit(KILLED)
