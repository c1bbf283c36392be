"""`troopers`: the command line as a process of its own, against the shared cluster."""

import subprocess
import sys
from pathlib import Path

from tests.e2e.world import World

#: more than any command's own patience in these tests
_END_S = 90


def troopers(
    world: World, *words: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, whatever that is."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *words, "--url", world.url],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=_END_S,
        check=False,
    )
