"""`Guest`: commands in the virtual machine, over ssh on this machine's loopback.

One connection is shared by all commands, because a handshake takes an emulated machine a second.
"""

import shlex
import subprocess
from pathlib import Path

from cli.errors import CommandFailed
from cli.waiting import wait_until

#: of one command; an emulated machine is about ten times slower than this one
COMMAND_DEADLINE_S = 90.0
#: from power-on to a shell: 15 s on a quiet machine
BOOT_DEADLINE_S = 300.0


class Guest:
    def __init__(self, port: int, key: Path, socket: Path) -> None:
        self._ssh = [
            *("ssh", "-q", "-F", "none", "-i", str(key), "-p", str(port)),
            *("-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=10"),
            # The machine was made a minute ago and is reached over loopback.
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            # A machine that is reset says no goodbye.
            *("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=4"),
            *(
                "-o",
                "ControlMaster=auto",
                "-o",
                "ControlPersist=yes",
                "-o",
                f"ControlPath={socket}",
            ),
            "root@127.0.0.1",
        ]

    def attempt(
        self, command: str, *, stdin: bytes | None = None, timeout_s: float = COMMAND_DEADLINE_S
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a shell command, whatever becomes of it; 255 means that it was not even tried."""
        try:
            return subprocess.run(
                [*self._ssh, command],
                input=stdin if stdin is not None else b"",
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise CommandFailed(f"no answer after {timeout_s:.0f} s: {command}") from late

    def run(
        self, command: str, *, stdin: bytes | None = None, timeout_s: float = COMMAND_DEADLINE_S
    ) -> str:
        """What a command printed, without the last newline. Raises CommandFailed if it failed."""
        done = self.attempt(command, stdin=stdin, timeout_s=timeout_s)
        if done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise CommandFailed(f"in the guest: {command}: exit {done.returncode}: {said[-2000:]}")
        return done.stdout.decode(errors="replace").rstrip("\n")

    def succeeds(self, command: str, *, timeout_s: float = COMMAND_DEADLINE_S) -> bool:
        return self.attempt(command, timeout_s=timeout_s).returncode == 0

    @property
    def answers(self) -> bool:
        try:
            return self.succeeds("true", timeout_s=20)
        except CommandFailed:
            self.hang_up()
            return False

    def wait_until_up(self) -> None:
        """Wait for a shell. Raises CommandFailed."""
        if not wait_until(lambda: self.answers, BOOT_DEADLINE_S, poll_s=1):
            raise CommandFailed(f"no shell in the guest after {BOOT_DEADLINE_S:.0f} s")

    def hang_up(self) -> None:
        """Close the shared connection; the next command opens another."""
        subprocess.run(
            [*self._ssh[:-1], "-O", "exit", self._ssh[-1]], capture_output=True, check=False
        )

    # in the words of systemd

    def is_active(self, unit: str) -> bool:
        return self.succeeds(f"systemctl is-active --quiet {shlex.quote(unit)}")

    def of_unit(self, unit: str, name: str) -> str:
        """A property of a unit, such as MainPID."""
        return self.run(f"systemctl show --value -p {name} {shlex.quote(unit)}")

    def journal(self, *units: str, lines: int = 60) -> str:
        chosen = " ".join(f"-u {shlex.quote(unit)}" for unit in units)
        return self.run(f"journalctl --no-pager -o short-precise -n {lines} {chosen}")
