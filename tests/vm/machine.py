"""The virtual machine: one qemu process, its disk unchanged from run to run.

Reads: what `scripts/vm-image` built. Writes: `<directory>/{console.log,qemu.log}` and sockets in a
directory of their own, because the kernel limits a socket's path to 107 bytes.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from cli.errors import RequirementMissing
from cli.home import CHECKOUT
from cli.listening import free_ports
from cli.processes import Child
from tests.vm.guest import BOOT_DEADLINE_S, Guest
from tests.vm.monitor import Monitor

#: Debian, the packages and the project, from a distant mirror
_BUILD_DEADLINE_S = 1800
_SSH, _API, _NATS = 22, 4280, 4222


def build_image() -> Path:
    """The directory of the newest image, built now if a source changed."""
    built = subprocess.run(
        [CHECKOUT / "scripts" / "vm-image"],
        stdout=subprocess.PIPE,
        text=True,
        timeout=_BUILD_DEADLINE_S,
        check=False,
    )
    if built.returncode:
        raise RequirementMissing("scripts/vm-image could not build the virtual machine, see above")
    return Path(built.stdout.strip())


class VirtualMachine:
    """Debian with two emulated processors, reachable on three loopback ports."""

    def __init__(self, image: Path, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sockets = Path(tempfile.mkdtemp(prefix="troopers-vm-"))
        ssh, self.api_port, self.nats_port = free_ports("127.0.0.1", 3)
        self.guest = Guest(ssh, image / "key", self._sockets / "ssh")
        self.console = directory / "console.log"
        forwards = ((ssh, _SSH), (self.api_port, _API), (self.nats_port, _NATS))
        self._child = Child(
            "qemu",
            _command_line(image, self.console, self._sockets / "qmp", forwards),
            directory,
            ready=lambda: self.guest.answers,
        )

    def start(self) -> None:
        """Power on and wait for a shell. Raises StartFailed."""
        self._child.launch()
        self._child.wait_ready(BOOT_DEADLINE_S)

    def monitor(self) -> Monitor:
        """Qemu's own control connection; one at a time."""
        return Monitor(self._sockets / "qmp")

    def stop(self) -> None:
        """Power off, without asking the guest."""
        self.guest.hang_up()
        self._child.stop()
        shutil.rmtree(self._sockets, ignore_errors=True)


def _command_line(
    image: Path, console: Path, control: Path, forwards: tuple[tuple[int, int], ...]
) -> list[str]:
    ports = "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in forwards)
    # Emulation works everywhere; KVM needs a machine that offers it, and is ten times as fast.
    accelerator = os.environ.get("TROOPERS_VM_ACCEL", "tcg,thread=multi")
    return [
        # Others work on this machine too.
        *("nice", "-n", "10", "qemu-system-x86_64", "-name", "troopers-vm"),
        *("-machine", "q35", "-accel", accelerator, "-cpu", "max", "-smp", "2", "-m", "2048"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-serial", f"file:{console}"),
        *("-kernel", str(image / "kernel"), "-initrd", str(image / "initrd")),
        *("-append", "root=/dev/vda ro console=ttyS0 quiet systemd.show_status=1"),
        # What the guest writes goes to a temporary file, so every run starts from the same disk.
        *("-drive", f"if=none,id=root,file={image / 'disk'},format=raw,snapshot=on,cache=unsafe"),
        *("-device", "virtio-blk-pci,drive=root", "-device", "virtio-rng-pci"),
        # No boot ROM: it would have to be installed, and nothing is booted from the network.
        *("-netdev", f"user,id=lan{ports}", "-device", "virtio-net-pci,netdev=lan,romfile="),
        *("-qmp", f"unix:{control},server=on,wait=off"),
    ]
