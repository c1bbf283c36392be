"""Configs and secrets as the tar archive that the engine unpacks into a container. Pure."""

import io
import tarfile
from collections.abc import Iterable

from schemas.service import InlineFile


def archive(files: Iterable[InlineFile]) -> bytes:
    """An archive to unpack at the container's root.

    Directories are left out: those that exist keep their owner and mode, and the engine makes the
    others.
    """
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for file in files:
            content = file.content.encode()
            entry = tarfile.TarInfo(file.target.lstrip("/"))
            entry.size, entry.mode, entry.uid, entry.gid = (
                len(content),
                file.mode,
                file.uid,
                file.gid,
            )
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()
