"""A bucket's FUSE program: its arguments and its keys. What a volume may add is judged elsewhere."""

import re
from dataclasses import dataclass

from schemas.volume import OssfsOptions, VolumeSecret, VolumeSpec
from schemas.volume_options import other_opts

#: The program's own defaults keep a caller waiting for ten minutes. With these, a call on a dead
#: server fails after one or two.
DEFAULTS = {"connect_timeout": "10", "readwrite_timeout": "20", "retries": "2"}


@dataclass(frozen=True, slots=True)
class Places:
    """Where the program finds and puts things on this node."""

    mountpoint: str
    #: a file that only root can read
    keys: str
    #: where it keeps what is written and not yet uploaded
    spool: str


def arguments(volume: VolumeSpec, places: Places) -> tuple[str, ...]:
    """Everything after the program's name. No key is among it."""
    assert volume.ossfs is not None  # noqa: S101 # schemas.volume promises it for the driver
    options = DEFAULTS | dict(other_opts(volume.ossfs))
    if volume.ossfs.no_stat_cache:
        options |= {"max_stat_cache_size": "0", "stat_cache_expire": "1"}
    options |= {
        "url": url(volume.ossfs),
        "passwd_file": places.keys,
        "tmpdir": places.spool,
        # Containers run as other users than the program does.
        "allow_other": "",
        "nosuid": "",
        "nodev": "",
        "fsname": shown_as(volume),
    }
    if volume.read_only:
        options["ro"] = ""
    words = [f"{option}={value}" if value else option for option, value in options.items()]
    # In the foreground, so that it says why it ends; it gets a session of its own.
    return (volume.ossfs.bucket, places.mountpoint, "-f", "-o", ",".join(words))


def shown_as(volume: VolumeSpec) -> str:
    """Its source in the kernel's table."""
    return f"troopers-{volume.name}"


def key_file(volume: VolumeSpec, secret: VolumeSecret) -> str:
    """The text of the file with the keys."""
    assert volume.ossfs is not None  # noqa: S101
    return f"{volume.ossfs.bucket}:{secret.ak_id}:{secret.ak_secret}\n"


def url(options: OssfsOptions) -> str:
    """The server's address. Who doesn't say how to speak to it, speaks encrypted."""
    address = options.url.rstrip("/")
    return address if "://" in address else f"https://{address}"


def host(options: OssfsOptions) -> str:
    """The server's name, as lists of allowed hosts say it."""
    address = url(options).partition("://")[2]
    return re.sub(r":[0-9]+$", "", address)
