"""Installs what an engine needs from the distribution's packages, by the same script as `make`."""

import subprocess

from cli.errors import RequirementMissing
from cli.home import CHECKOUT

_SCRIPT = CHECKOUT / "scripts" / "engine-deps"


def install(part: str) -> None:
    """Install what is missing of one part: `engine`, or `image` for building images.

    Raises RequirementMissing, naming the packages, where that isn't possible.
    """
    if not _SCRIPT.exists():
        raise RequirementMissing("install docker.io and busybox-static, then start an engine")
    done = subprocess.run([_SCRIPT, part], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RequirementMissing(done.stderr.strip().removeprefix("error: "))
