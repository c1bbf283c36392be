"""`python -m agent`: run until told to stop."""

from agent.app import run
from agent.settings import Settings
from daemon.start import start


def main() -> None:
    """Exit codes: 0 told to stop, 1 failed, 2 a setting is wrong."""
    start(Settings, run)


if __name__ == "__main__":
    main()
