"""Runs a program for its effect and turns its refusal into one line."""

import subprocess
from collections.abc import Sequence

from cli.errors import CommandFailed, RequirementMissing

#: `ip`, `iptables` and `umount` answer at once; longer means the kernel is stuck.
_DEADLINE_S = 30.0


def run(argv: Sequence[str], *, lines: Sequence[str] = ()) -> str:
    """Run to the end, with `lines` as its input; what it printed.

    Raises CommandFailed when it exits with an error, RequirementMissing when there is no such
    program.
    """
    try:
        done = subprocess.run(
            list(argv),
            input="\n".join(lines),
            capture_output=True,
            text=True,
            timeout=_DEADLINE_S,
            check=False,
        )
    except FileNotFoundError as missing:
        raise RequirementMissing(f"the program {argv[0]} is not installed") from missing
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise CommandFailed(f"{' '.join(argv)}: {said}")
    return done.stdout


def succeeds(argv: Sequence[str]) -> bool:
    """Run something whose failure is an ordinary answer, such as removing what may be gone."""
    try:
        run(argv)
    except CommandFailed:
        return False
    return True
