"""A bucket's FUSE program: its arguments, and what a volume may say in `other_opts`.

What isn't listed here is refused by name. Refused on purpose: everything that names a file or a
folder of the node, that weakens the checks of the server's identity, that writes what is secret to
a log, or that takes back `nosuid,nodev`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.volume import OssfsOptions, VolumeSecret, VolumeSpec

_NUMBER = r"[0-9]{1,9}"
_OCTAL = r"0?[0-7]{1,4}"
_FLAG = ""
#: option -> the form of its value
ALLOWED = {
    **dict.fromkeys(
        (
            *("allow_other", "complement_stat", "default_permissions", "direct_io"),
            *("enable_content_md5", "enable_noobj_cache", "kernel_cache", "listobjectsv2"),
            *("noatime", "nocopyapi", "nodev", "nodnscache", "noexec", "nomixupload"),
            *("nomultipart", "norenameapi", "nosscache", "nosuid", "notsup_compat_dir", "noxmlns"),
            *("requester_pays", "sigv2", "sigv4", "use_path_request_style", "use_wtf8"),
            "use_xattr",
        ),
        _FLAG,
    ),
    **dict.fromkeys(
        (
            *("connect_timeout", "ensure_diskfree", "gid", "list_object_max_keys"),
            *("max_dirty_data", "max_stat_cache_size", "multipart_copy_size", "multipart_size"),
            *("multipart_threshold", "multireq_max", "parallel_count", "readwrite_timeout"),
            *("retries", "singlepart_copy_limit", "stat_cache_expire"),
            *("stat_cache_interval_expire", "uid"),
        ),
        _NUMBER,
    ),
    "umask": _OCTAL,
    "mp_umask": _OCTAL,
    "endpoint": r"[A-Za-z0-9-]{1,64}",
    "storage_class": r"[A-Za-z0-9_-]{1,64}",
    # More than that writes requests, and with them signatures, to the log.
    "dbglevel": "crit|error|err|warn|warning",
}
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


def refusal(options: OssfsOptions, secret: VolumeSecret | None) -> str:
    """Why such a volume isn't mounted here, without quoting a key; empty when it is."""
    for option, value in _given(options.other_opts):
        if option not in ALLOWED:
            return f"the option {_short(option)} is not allowed in other_opts"
        if re.fullmatch(ALLOWED[option], value) is None:
            return f"the option {option} has a value that is not allowed"
    if secret is None or not secret.ak_id or not secret.ak_secret:
        return "the volume has no keys"
    for name, key in (("ak_id", secret.ak_id), ("ak_secret", secret.ak_secret)):
        # The file with the keys is made of lines and colons.
        if re.fullmatch(r"[\x21-\x39\x3b-\x7e]+", key) is None:
            return f"{name} has a character that no key has"
    return ""


def arguments(volume: VolumeSpec, places: Places) -> tuple[str, ...]:
    """Everything after the program's name. No key is among it."""
    assert volume.ossfs is not None  # noqa: S101 # schemas.volume promises it for the driver
    options = DEFAULTS | dict(_given(volume.ossfs.other_opts))
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
        # How it shows in the kernel's table, for an operator's eyes.
        "fsname": f"troopers-{volume.name}",
    }
    if volume.read_only:
        options["ro"] = ""
    words = [f"{option}={value}" if value else option for option, value in options.items()]
    # In the foreground, so that it says why it ends; it gets a session of its own.
    return (volume.ossfs.bucket, places.mountpoint, "-f", "-o", ",".join(words))


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


def _given(other_opts: str) -> Iterator[tuple[str, str]]:
    """`-o a=1,b -oc` and plain `a=1 b c` alike, in their order."""
    for word in other_opts.split():
        plain = word.removeprefix("-o")
        for option in filter(None, plain.split(",")):
            name, _, value = option.partition("=")
            yield name, value


def _short(option: str) -> str:
    """A stranger's word, fit for a message."""
    return re.sub(r"[^\x20-\x7e]", "?", option)[:40]
