"""The directory in which everything of this checkout's clusters is kept.

Writes: `.troopers/` in the checkout, or TROOPERS_HOME.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.errors import CommandFailed

CHECKOUT = Path(__file__).resolve().parent.parent


def home() -> Path:
    return Path(os.environ.get("TROOPERS_HOME") or CHECKOUT / ".troopers").resolve()


@contextmanager
def only_one(directory: Path) -> Iterator[None]:
    """Keep a second command off this home. Raises CommandFailed at once if one is at work."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "lock"
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandFailed(f"another command is at work in {directory}; wait for it") from None
        try:
            yield
        finally:
            if not _holds_more_than(directory, path):
                path.unlink(missing_ok=True)
                directory.rmdir()


def _holds_more_than(directory: Path, path: Path) -> bool:
    return any(entry != path for entry in directory.iterdir())
