"""An NFS export: what is handed to mount.nfs4."""

from dataclasses import dataclass
from typing import Literal

from schemas.volume import NasOptions, VolumeSpec
from schemas.volume_options import path_names

Policy = Literal["hard", "softerr"]


@dataclass(frozen=True, slots=True)
class NfsPolicy:
    """What a call on a share does while its server is silent.

    `hard` waits, for ever if need be: who writes must never be told of an error that isn't one.
    `softerr` fails with a time-out, which is kinder to those who only read.
    """

    read_write: Policy = "hard"
    read_only: Policy = "softerr"


def source(options: NasOptions, path: str | None = None) -> str:
    """`host:/path`; the volume's own path, or another one of the same server."""
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"{host}:/" + "/".join(path_names(options.path if path is None else path))


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
