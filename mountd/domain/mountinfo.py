"""Reads the text of /proc/self/mountinfo. Nothing here opens it."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One mount, as the kernel tells it."""

    mount_id: int
    #: major:minor
    device: str
    mountpoint: str
    #: "nfs4", "fuse.s3fs", "fuse"
    kind: str
    #: "server:/export", or what a FUSE program calls itself
    source: str
    is_read_only: bool


def parse(text: str) -> tuple[Entry, ...]:
    """Every mount in the kernel's order. A line of a form that we don't know is left out."""
    found = (_entry(line) for line in text.splitlines())
    return tuple(entry for entry in found if entry is not None)


def below(entries: tuple[Entry, ...], directory: str) -> dict[str, Entry]:
    """The mounts below a directory, by their path from there: the topmost, where some are stacked.

    The kernel lists mounts in the order in which they were made, so the last one is on top.
    """
    prefix = directory.rstrip("/") + "/"
    return {
        entry.mountpoint.removeprefix(prefix): entry
        for entry in entries
        if entry.mountpoint.startswith(prefix)
    }


def _entry(line: str) -> Entry | None:
    before, separator, after = line.partition(" - ")
    fields, rest = before.split(" "), after.split(" ")
    if not separator or len(fields) < 6 or len(rest) < 3 or not fields[0].isdigit():
        return None
    return Entry(
        mount_id=int(fields[0]),
        device=fields[2],
        mountpoint=_unescape(fields[4]),
        kind=rest[0],
        source=_unescape(rest[1]),
        is_read_only="ro" in fields[5].split(","),
    )


def _unescape(field: str) -> str:
    """Blanks and backslashes are written as three octal digits; a path is bytes."""
    plain = re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8) % 256]), field.encode())
    return plain.decode(errors="surrogateescape")
