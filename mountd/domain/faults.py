"""What the mount programs say when they fail, in words for the volume's owner.

Their texts are matched by their stable parts. What isn't known is passed on, one line of it.
"""

import re

_NFS = (
    (r"access denied by server", "the server denies access to the export {what}"),
    (r"No such file or directory", "the server has no {what}"),
    (r"Failed to resolve server|Name or service not known", "the host of {what} is unknown"),
    (r"Temporary failure in name resolution", "the host of {what} can't be resolved now"),
    (r"Connection refused", "the host of {what} refuses connections: no NFS server runs there"),
    (r"timed out", "the server of {what} doesn't answer"),
    (r"No route to host|Network is unreachable", "there is no route to the host of {what}"),
    (r"No such device|unknown filesystem type", "this node's kernel has no NFS client"),
    (
        r"Protocol not supported|requested NFS version",
        "the server of {what} doesn't speak NFS version 4",
    ),
    (r"Not a directory", "{what} is not a directory"),
    (r"Stale file handle", "the server has forgotten {what}: it was exported anew"),
)
_OSSFS = (
    (r"invalid credentials", "the server refuses the keys for the bucket {what}"),
    (r"bucket or key not found|bucket not found|NoSuchBucket", "the server has no bucket {what}"),
    (r"Bad Request", "the server takes the request for {what} for a wrong one: region, signature?"),
    (r"unable to connect|ould not connect|timed out", "the server of {what} doesn't answer"),
    (r"ould not resolve host", "the host of {what} is unknown"),
    (r"certificate", "the server of {what} can't prove who it is"),
    (r"/dev/fuse|fuse: device not found", "this node has no /dev/fuse"),
)
_REASON_MAX = 300


def nfs_reason(said: str, source: str) -> str:
    """Why mount.nfs failed for `host:/path`."""
    return _reason(_NFS, said, source)


def ossfs_reason(said: str, bucket: str) -> str:
    """Why a bucket's program ended at once."""
    return _reason(_OSSFS, said, bucket)


def is_missing_directory(said: str) -> bool:
    """Whether the export is there, but not the directory in it."""
    return "No such file or directory" in said


def _reason(table: tuple[tuple[str, str], ...], said: str, what: str) -> str:
    for pattern, reason in table:
        if re.search(pattern, said):
            return reason.format(what=what)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = re.sub(r"[^\x20-\x7e]", "?", lines[-1])[:_REASON_MAX] if lines else "no reason given"
    return f"mounting {what} failed: {last}"
