"""`python -m mountd`: run until told to stop."""

import os

from daemon.start import start
from mountd.app import run
from mountd.settings import Settings


def main() -> None:
    """Exit codes: 0 told to stop, 1 failed, 2 a setting is wrong."""
    # Whatever it was: what is private here gets a mode of its own, and the rest is to be passed.
    os.umask(0o022)
    start(Settings, run)


if __name__ == "__main__":
    main()
