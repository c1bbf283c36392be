"""Which mount is which: one small file per mount, for the next mountd process.

The kernel's table says where something is mounted. It doesn't say for which orders, and it uses its
numbers again. A file of an earlier boot is recognised and means nothing.

Writes: `<run_dir>/records/<driver>.<last part of the path>`, for root only.
"""

import contextlib
import json
import os
import secrets
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

from mountd.domain.mountinfo import Entry
from mountd.domain.outcomes import Found


@dataclass(frozen=True, slots=True)
class Record:
    """One mount, recognised by the kernel's numbers for it."""

    name: str
    mount_path: str
    mount_id: int
    device: str
    incarnation: str
    made_for: str = ""
    #: the program that serves it, and when that was started; 0 for none
    pid: int = 0
    started: int = 0

    def is_of(self, entry: Entry, boot: str) -> bool:
        numbers = (self.mount_id, self.device) == (entry.mount_id, entry.device)
        return numbers and self.incarnation.startswith(f"{boot}-")

    def found(self, entry: Entry) -> Found:
        return Found(
            self.name,
            self.mount_path,
            self.incarnation,
            self.made_for,
            entry.kind,
            entry.source,
        )


class Records:
    """The files, and their copies in memory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
        self._held: dict[str, Record] = {}
        for path in sorted(directory.iterdir()):
            with contextlib.suppress(ValueError, TypeError):
                record = Record(**json.loads(path.read_text()))
                self._held[record.mount_path] = record

    def of(self, mount_path: str) -> Record | None:
        return self._held.get(mount_path)

    def match(self, entries: dict[str, Entry]) -> dict[str, Found]:
        """Every mount with its record; one that has none gets one, so it stays the same."""
        for mount_path, entry in entries.items():
            record = self._held.get(mount_path)
            if record is None or not record.is_of(entry, self._boot):
                last = mount_path.rpartition("/")[2]
                self.write(self._record(last, mount_path, entry))
        for mount_path in self._held.keys() - entries.keys():
            self._remove(mount_path)
        return {path: self._held[path].found(entry) for path, entry in entries.items()}

    def made(self, name: str, mount_path: str, entry: Entry, made_for: str) -> Record:
        """The record of a mount that was made just now."""
        record = self._record(name, mount_path, entry, made_for)
        self.write(record)
        return record

    def write(self, record: Record) -> None:
        path = self._path(record.mount_path)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(json.dumps(asdict(record)))
        fresh.rename(path)
        self._held[record.mount_path] = record

    def _remove(self, mount_path: str) -> None:
        self._path(mount_path).unlink(missing_ok=True)
        del self._held[mount_path]

    def _record(self, name: str, mount_path: str, entry: Entry, made_for: str = "") -> Record:
        # The kernel's numbers come back after an unmount; the dice don't.
        token = f"{self._boot}-{entry.mount_id}-{entry.device}-{secrets.token_hex(4)}"
        return Record(name, mount_path, entry.mount_id, entry.device, token, made_for)

    def _path(self, mount_path: str) -> Path:
        return self._directory / mount_path.replace("/", ".", 1)


def private_directory(path: Path) -> Path:
    """Make a directory that only we can look into.

    Raises:
        PermissionError: there is one, and it belongs to somebody else.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{path} is no directory of ours")
    path.chmod(0o700)
    return path
