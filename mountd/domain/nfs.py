"""An NFS export: what is handed to mount.nfs4, and which paths are refused."""

from dataclasses import dataclass
from typing import Literal

from schemas.volume import NasOptions, VolumeSpec

Policy = Literal["hard", "softerr"]
#: what the kernel takes for one name, and for a path
_NAME_BYTES_MAX = 255
_PATH_BYTES_MAX = 1024


@dataclass(frozen=True, slots=True)
class NfsPolicy:
    """What a call on a share does while its server is silent.

    `hard` waits, for ever if need be: who writes must never be told of an error that isn't one.
    `softerr` fails with a time-out, which is kinder to those who only read.
    """

    read_write: Policy = "hard"
    read_only: Policy = "softerr"


def refusal(options: NasOptions) -> str:
    """Why such a volume isn't mounted here; empty when it is."""
    if len(options.path.encode(errors="surrogatepass")) > _PATH_BYTES_MAX:
        return "the path is too long"
    if any(not character.isprintable() for character in options.path):
        return "the path has a character that can't be printed"
    for name in parts(options.path):
        if name in {".", ".."}:
            return "the path must not contain . or .."
        if len(name.encode()) > _NAME_BYTES_MAX:
            return "a name in the path is too long"
    return ""


def parts(path: str) -> tuple[str, ...]:
    """The names that a path is made of, from the export's root on."""
    return tuple(name for name in path.split("/") if name)


def source(options: NasOptions, path: str | None = None) -> str:
    """`host:/path`; the volume's own path, or another one of the same server."""
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"{host}:/" + "/".join(parts(options.path if path is None else path))


def mount_options(volume: VolumeSpec, policy: NfsPolicy) -> str:
    """What follows -o. A volume can't add to it."""
    behaviour = policy.read_only if volume.read_only else policy.read_write
    # In tenths of a second. Patience is harmless where nobody is told of an error.
    timeo = 600 if behaviour == "hard" else 100
    words = [
        "ro" if volume.read_only else "rw",
        *("nosuid", "nodev"),
        # The highest minor version that both sides speak.
        *("vers=4", "proto=tcp"),
        *(behaviour, f"timeo={timeo}", "retrans=2"),
        # mount.nfs would try again for two minutes; mountd does so by itself, and says why.
        "retry=0",
    ]
    return ",".join(words)


def staging_options() -> str:
    """For the moment in which the export's root is mounted to make a directory in it."""
    return "rw,nosuid,nodev,noexec,vers=4,proto=tcp,softerr,timeo=50,retrans=2,retry=0"
