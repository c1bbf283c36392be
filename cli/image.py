"""Images made on the spot, because no registry may be reachable: busybox and a few files."""

import subprocess
from pathlib import Path

from cli.engine import tar_of
from cli.errors import RequirementMissing

_CANDIDATES = ("/bin/busybox", "/usr/bin/busybox", "/bin/busybox.static")


def busybox() -> bytes:
    """This machine's busybox, which must be static to run in an empty image."""
    for candidate in _CANDIDATES:
        path = Path(candidate)
        if path.exists():
            content = path.resolve().read_bytes()
            # A dynamic program names its loader in its first page.
            if b"/ld-" not in content[:4096]:
                return content
    raise RequirementMissing(
        "no static busybox on this machine; install the package busybox-static",
    )


def busybox_root() -> bytes:
    """A tar of a root file system in which every program of busybox is found on PATH."""
    content = busybox()
    listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True)
    links = {
        f"bin/{program}": "busybox" for program in listed.stdout.split() if program != "busybox"
    }
    return tar_of({"bin/busybox": content, "tmp/.keep": b""}, links)


def build_context(directory: Path) -> dict[str, bytes]:
    """The files of a build context, with this machine's busybox added as `busybox`."""
    files = {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
    return {**files, "busybox": busybox()}
