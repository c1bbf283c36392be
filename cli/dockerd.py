"""A Docker Engine of our own: containerd and dockerd, in any network namespace.

Data lives under `home`; sockets, pid files and other things that must not survive a reboot live in
a short path under /run (a unix socket's path has 107 bytes at most, and a pid file left behind
keeps an engine down silently). It reads no configuration of the machine's own engine and shares
nothing with it but the kernel.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from docker.errors import DockerException
from requests.exceptions import RequestException

from cli.engine import Engine
from cli.engine_leftovers import remove_leftovers
from cli.errors import RequirementMissing
from cli.processes import Child
from cli.waiting import wait_until

#: All our runtime directories are below it; `cli.machines` uses it as its register as well.
RUNTIME_ROOT = Path("/run/troopers")
PROGRAMS = ("dockerd", "containerd", "runc", "iptables", "ip", "nsenter")
#: Containers get this long when an engine is asked to end; test images ignore SIGTERM.
_SHUTDOWN_TIMEOUT_S = 5
#: dockerd answers 2 s after its start on an idle machine; many may start at once.
_START_DEADLINE_S = 60.0

_CONTAINERD_CONFIG = """\
version = 2
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{address}"
"""


class Dockerd:
    """One engine that we start, kill and clean up after."""

    def __init__(
        self,
        name: str,
        home: Path,
        *,
        enter: Sequence[str] = (),
        live_restore: bool = False,
    ) -> None:
        """Name it uniquely on this machine; `enter` is the command that enters its namespace."""
        self.name = name
        self.home = home
        self.runtime = RUNTIME_ROOT / name
        self.engine = Engine(f"unix://{self.runtime / 'docker.sock'}")
        self._containerd_address = self.runtime / "containerd.sock"
        self._containerd = Child(
            "containerd",
            [*enter, "containerd", "--config", str(home / "containerd.toml"), "--log-level=warn"],
            home,
            ready=self._containerd_address.exists,
        )
        self._dockerd = Child(
            "dockerd",
            [*enter, *self._arguments(live_restore)],
            home,
            ready=self.engine.answers,
            environment={"DOCKER_HOST": ""},
        )

    @property
    def url(self) -> str:
        return self.engine.url

    @property
    def log(self) -> Path:
        return self._dockerd.log

    @property
    def is_alive(self) -> bool:
        return self._dockerd.is_alive

    def start(self) -> None:
        """Start it and wait until it answers; does nothing if it runs.

        Raises RequirementMissing when a program isn't installed, StartFailed when it won't come up.
        """
        missing = [program for program in PROGRAMS if shutil.which(program) is None]
        if missing:
            raise RequirementMissing(f"not installed: {', '.join(missing)} (package docker.io)")
        for directory in (self.home, self.runtime):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.home / "daemon.json").write_text("{}")
        (self.home / "containerd.toml").write_text(
            _CONTAINERD_CONFIG.format(
                root=self.home / "containerd",
                state=self.runtime / "containerd",
                address=self._containerd_address,
            ),
        )
        if not self._containerd.is_alive:
            self._containerd_address.unlink(missing_ok=True)
        self._containerd.start()
        self.launch()
        self._dockerd.wait_ready(_START_DEADLINE_S)

    def launch(self) -> None:
        """Start dockerd alone, without waiting for it."""
        if not self._dockerd.is_alive:
            (self.runtime / "dockerd.pid").unlink(missing_ok=True)
        self._dockerd.launch()

    def stop(self) -> None:
        """Ask the engine to end, as a service manager would; its containers follow its rules."""
        self._dockerd.stop(grace_s=_SHUTDOWN_TIMEOUT_S * 3)

    def kill(self) -> None:
        """SIGKILL dockerd; containerd and the containers go on."""
        self._dockerd.kill()

    def pause(self) -> None:
        """Make it hang: connections are accepted, nothing is answered."""
        self._dockerd.pause()

    def resume(self) -> None:
        self._dockerd.resume()

    def restart(self) -> None:
        self.stop()
        self.start()

    def destroy(self) -> None:
        """End it with everything in it, and remove its files, mounts and cgroups.

        Works as well on what a crash left behind. Safe to repeat.
        """
        if self._dockerd.is_alive and self.engine.answers():
            try:
                self.engine.remove_all_containers()
            except (DockerException, RequestException):
                # A sick engine can't be asked; what it leaves is removed by force below.
                wait_until(lambda: False, 0)
        self._dockerd.stop(grace_s=_SHUTDOWN_TIMEOUT_S * 3)
        self._containerd.stop()
        remove_leftovers(self.cgroup, [self.runtime, self.home])

    @property
    def cgroup(self) -> str:
        """The control group of all its containers: how they are found without the engine."""
        return f"troopers-{self.name.replace('/', '-')}"

    def _arguments(self, live_restore: bool) -> list[str]:
        return [
            "dockerd",
            # Not the machine's own file: an option given twice keeps dockerd from starting.
            f"--config-file={self.home / 'daemon.json'}",
            f"--host={self.engine.url}",
            f"--data-root={self.home / 'docker'}",
            f"--exec-root={self.runtime / 'docker'}",
            f"--pidfile={self.runtime / 'dockerd.pid'}",
            f"--containerd={self._containerd_address}",
            f"--cgroup-parent=/{self.cgroup}",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            f"--shutdown-timeout={_SHUTDOWN_TIMEOUT_S}",
            "--log-level=warn",
            *(["--live-restore"] if live_restore else []),
        ]


def remove_if_empty(directory: Path) -> None:
    if directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
