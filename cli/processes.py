"""Background processes that outlive the command that started them.

A Child is known by its record on disk, so that a later command, or a test run after a crash, finds
it again. Writes: `<directory>/<name>.process.json` and `<directory>/<name>.log`.
"""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from cli.errors import StartFailed
from cli.identity import ProcessIdentity
from cli.waiting import wait_until

RECORD_SUFFIX = ".process.json"
#: What a process gets between SIGTERM and SIGKILL: an agent may have to finish one engine call.
STOP_GRACE_S = 10.0
#: A cold Python start on a busy two-core machine takes several seconds.
START_DEADLINE_S = 30.0
#: what SIGSTOP needs on a machine that is overloaded
FREEZE_S = 5.0


class Child:
    """One process in a session of its own, with a log and a record."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        directory: Path,
        *,
        ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        #: Added to our own environment at the next start.
        self.environment = dict(environment or {})
        self.log = directory / f"{name}.log"
        self._record = directory / f"{name}{RECORD_SUFFIX}"
        self._ready = ready
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def identity(self) -> ProcessIdentity | None:
        """The recorded process, if it still runs."""
        if self._popen is not None:
            self._popen.poll()  # Reaps it when it died, so that no zombie is left.
        identity = read_record(self._record)
        return identity if identity is not None and identity.is_alive else None

    @property
    def is_alive(self) -> bool:
        return self.identity is not None

    @property
    def pid(self) -> int:
        """Its pid. Raises StartFailed when it doesn't run."""
        identity = self.identity
        if identity is None:
            raise StartFailed(f"{self.name} does not run", log_tail=self.log_tail())
        return identity.pid

    def launch(self) -> None:
        """Start it without waiting; does nothing if it runs already."""
        if self.is_alive:
            return
        self._record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                self.argv,
                cwd="/",
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        identity = ProcessIdentity.of(self._popen.pid)
        if identity is None:  # Can't be: nobody but us may reap it.
            raise StartFailed(f"{self.name} vanished at once", log_tail=self.log_tail())
        write_record(self._record, identity)

    def wait_ready(self, deadline_s: float = START_DEADLINE_S) -> None:
        """Wait until it serves. Raises StartFailed, with the end of its log, if it won't."""
        if wait_until(lambda: not self.is_alive or self._ready(), deadline_s) and self.is_alive:
            return
        what = f"is not ready after {deadline_s:.0f} s" if self.is_alive else "ended while starting"
        raise StartFailed(f"{self.name} {what}; its log is {self.log}", log_tail=self.log_tail())

    def start(self) -> None:
        self.launch()
        self.wait_ready()

    def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """End it and what it started: SIGTERM, then SIGKILL. Safe to repeat."""
        identity = self.identity
        if identity is not None:
            family = identity.descendants()
            identity.send(signal.SIGTERM)
            identity.send(signal.SIGCONT)  # A paused process would not see the first one.
            wait_until(lambda: not self.is_alive, grace_s)
            for member in (identity, *family):
                member.send(signal.SIGKILL)
        self._wait_gone()
        self._record.unlink(missing_ok=True)

    def kill(self) -> None:
        """SIGKILL this one process, as the kernel would when memory runs out."""
        self._send(signal.SIGKILL)
        self._wait_gone()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): alive, and silent once this returns."""
        self._send(signal.SIGSTOP)
        tasks = Path(f"/proc/{self.pid}/task")
        # Each thread stops by itself, and one that runs may do so a moment later.
        wait_until(
            lambda: all(_state(thread) in {"T", ""} for thread in tasks.iterdir()),
            FREEZE_S,
            poll_s=0.001,
        )

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    def restart(self) -> None:
        """Stop it if it runs, start it with the same arguments, wait until it serves."""
        self.stop()
        self.start()

    def log_tail(self, lines: int = 15) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _wait_gone(self) -> None:
        wait_until(lambda: not self.is_alive, STOP_GRACE_S)
        if self._popen is not None:  # Our own child stays a zombie until it is waited for.
            self._popen.wait(STOP_GRACE_S)
            self._popen = None

    def _send(self, number: signal.Signals) -> None:
        identity = self.identity
        if identity is None or not identity.send(number):
            raise StartFailed(f"{self.name} does not run", log_tail=self.log_tail())


def _state(thread: Path) -> str:
    """The kernel's letter for a thread; empty when it has ended."""
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def read_record(path: Path) -> ProcessIdentity | None:
    """What a record says; None when there is none or a crash left it torn."""
    try:
        return ProcessIdentity(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_record(path: Path, identity: ProcessIdentity) -> None:
    path.write_text(json.dumps(asdict(identity)))


def stop_recorded(directory: Path) -> int:
    """End every process recorded anywhere below a directory; how many still ran."""
    # No deeper: shared volumes are mounted further down, and a look into a dead one hangs or fails.
    records = sorted(
        path for pattern in ("*", "*/*") for path in directory.glob(f"{pattern}{RECORD_SUFFIX}")
    )
    running = [found for path in records if (found := read_record(path)) and found.is_alive]
    families = [(member, member.descendants()) for member in running]
    for member in running:
        member.send(signal.SIGTERM)
        member.send(signal.SIGCONT)
    wait_until(lambda: not any(member.is_alive for member in running), STOP_GRACE_S)
    for member, family in families:
        for relative in (member, *family):
            relative.send(signal.SIGKILL)
    for path in records:
        path.unlink(missing_ok=True)
    return len(running)
