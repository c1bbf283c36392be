"""What a volume's options may say. The coordinator asks before it takes one, mountd before it mounts.

A bucket's program takes options of its own; what isn't listed here is refused by name. Refused on
purpose: everything that names a file or a folder of the node, that weakens the checks of the
server's identity, that writes what is secret to a log, or that takes back `nosuid,nodev`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.volume import NasOptions, OssfsOptions, VolumeSecret, VolumeSpec

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
#: More than one colon, and programs disagree about which part is the host.
_URL = re.compile(r"(https?://)?[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?/?")
#: what the kernel takes for one name, and for a path
_NAME_BYTES_MAX = 255
_PATH_BYTES_MAX = 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """Which option is wrong, and what is wrong with it; never with a key in it."""

    option: str
    message: str


def fault(volume: VolumeSpec, secret: VolumeSecret | None) -> Fault | None:
    """What is wrong with a volume whose options are well formed; None when nothing is."""
    if volume.nas is not None:
        message = _path_fault(volume.nas)
        return Fault("path", message) if message else None
    assert volume.ossfs is not None  # noqa: S101 # schemas.volume: nas or ossfs
    if _URL.fullmatch(volume.ossfs.url) is None:
        return Fault("url", "the url must be a host, with at most a port after it")
    message = _other_opts_fault(volume.ossfs)
    return Fault("other_opts", message) if message else _key_fault(secret)


def other_opts(options: OssfsOptions) -> Iterator[tuple[str, str]]:
    """`-o a=1,b -oc` and plain `a=1 b c` alike, in their order."""
    for word in options.other_opts.split():
        plain = word.removeprefix("-o")
        for option in filter(None, plain.split(",")):
            name, _, value = option.partition("=")
            yield name, value


def path_names(path: str) -> tuple[str, ...]:
    """The names that an export's path is made of, from its root on."""
    return tuple(name for name in path.split("/") if name)


def _path_fault(options: NasOptions) -> str:
    if len(options.path.encode(errors="surrogatepass")) > _PATH_BYTES_MAX:
        return "the path is too long"
    if any(not character.isprintable() for character in options.path):
        return "the path has a character that can't be printed"
    for name in path_names(options.path):
        if name in {".", ".."}:
            return "the path must not contain . or .."
        if len(name.encode()) > _NAME_BYTES_MAX:
            return "a name in the path is too long"
    return ""


def _other_opts_fault(options: OssfsOptions) -> str:
    for option, value in other_opts(options):
        if option not in ALLOWED:
            return f"the option {_short(option)} is not allowed in other_opts"
        if re.fullmatch(ALLOWED[option], value) is None:
            return f"the option {option} has a value that is not allowed"
    return ""


def _key_fault(secret: VolumeSecret | None) -> Fault | None:
    if secret is None or not secret.ak_id or not secret.ak_secret:
        return Fault("ak_id", "the volume has no keys")
    for name, key in (("ak_id", secret.ak_id), ("ak_secret", secret.ak_secret)):
        # The file with the keys is made of lines and colons.
        if re.fullmatch(r"[\x21-\x39\x3b-\x7e]+", key) is None:
            return Fault(name, f"{name} has a character that no key has")
    return None


def _short(option: str) -> str:
    """A stranger's word, fit for a message."""
    return re.sub(r"[^\x20-\x7e]", "?", option)[:40]
