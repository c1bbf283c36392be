"""The mounts of this machine: one errand for each operation, a record for each mount.

Reads: /proc/self/mountinfo. Writes: below `run_dir` (records, keys while they are needed, what the
programs say); everything below the base directory is touched by errands only.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from mountd.dispatch import Dispatch, ErrandLostError, ErrandVoidError
from mountd.domain import mountinfo, nfs, ossfs
from mountd.domain.outcomes import (
    Answered,
    Dead,
    Failed,
    Found,
    Mounted,
    Silent,
    Unasked,
    Unmounted,
)
from mountd.domain.plan import fingerprint
from mountd.domain.track import Wish
from mountd.errands.result import Result
from mountd.records import Record, Records, private_directory
from mountd.watch import Watch
from schemas.current import SubPathCurrent
from schemas.volume import VolumeSpec
from schemas.volume_options import path_names

log = structlog.get_logger()

#: What a program writes while it runs is for an operator's eyes; it must not fill /run.
_LOG_BYTES_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each operation may take until it counts as failed."""

    mount_s: float = 45.0
    #: Twice this, with the way to the verdict, stays below 40 s: see `mountd.domain.track`.
    probe_s: float = 8.0
    unmount_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are on this machine."""

    base: str
    run_dir: Path
    ossfs_program: str
    nfs_program: str
    nfs_policy: nfs.NfsPolicy = field(default_factory=nfs.NfsPolicy)
    #: what is written and not yet uploaded may be large: not memory
    spool: str = "/var/tmp"  # noqa: S108 # its files have no names
    deadlines: Deadlines = field(default_factory=Deadlines)


class HostMounter:
    """A `Mounter` over the kernel. Needs root."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        base = Path(layout.base)
        # As the kernel's table will say it. The last part must be what it is: see `places`.
        self._base = str(base.parent.resolve() / base.name)
        private = {
            name: private_directory(layout.run_dir / name)
            for name in ("records", "secrets", "staging", "logs", "locks")
        }
        self._secrets, self._staging, self._logs, self._locks = (
            private[name] for name in ("secrets", "staging", "logs", "locks")
        )
        for left in self._secrets.iterdir():
            # An earlier mountd was killed while it mounted.
            left.unlink()
        self._records = Records(private["records"])
        self._listeners: list[Callable[[str | None], None]] = []
        self._dispatch = Dispatch(self._tell)
        self._watch = Watch(self._tell)

    async def sweep(self) -> None:
        """Take away what an earlier process, killed while it mounted, left in staging."""
        try:
            await self._dispatch.run(
                "staging",
                {"kind": "sweep", "staging": str(self._staging)},
                self._layout.deadlines.unmount_s,
            )
        except ErrandLostError as error:
            log.warning("what is left in staging could not be taken away", why=str(error))

    def table(self) -> dict[str, Found]:
        text = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
        entries = {
            path: entry
            for path, entry in mountinfo.below(mountinfo.parse(text), self._base).items()
            if path.count("/") == 1 and path.startswith(("nas/", "ossfs/"))
        }
        found = self._records.match(entries)
        programs = (self._records.of(path) for path in entries)
        self._watch.watch_programs(
            {one.mount_path: (one.pid, one.started) for one in programs if one and one.pid}
        )
        return found

    async def mount(self, wish: Wish) -> Mounted | Failed:
        volume = wish.volume
        order = {
            **self._place(volume.mount_path),
            "lock": str(self._locks / volume.mount_path.replace("/", ".", 1)),
            "deadline_s": self._layout.deadlines.mount_s,
        }
        keys: Path | None = None
        try:
            if volume.nas is not None:
                order |= self._export(volume)
            else:
                keys = self._write_keys(wish)
                order |= self._bucket(volume, keys)
            result = await self._dispatch.run(
                volume.mount_path, order, self._layout.deadlines.mount_s + 5
            )
        except ErrandLostError as error:
            return Failed(f"mounting {volume.name} failed: {error}")
        except OSError as error:
            return Failed(f"mounting {volume.name} failed: {os.strerror(error.errno or 0)}")
        finally:
            if keys is not None:
                # The program has read it, or has failed.
                keys.unlink(missing_ok=True)
        return self._judge_mount(wish, result)

    async def unmount(self, mount_path: str, *, is_forced: bool) -> Unmounted | Failed:
        record = self._records.of(mount_path)
        order = {
            **self._place(mount_path),
            "kind": "unmount",
            "pid": record.pid if record else 0,
            "started": record.started if record else 0,
            "by_force": is_forced,
            "lazily": False,
        }
        alarm_s = self._layout.deadlines.unmount_s
        try:
            try:
                result = await self._dispatch.run(mount_path, order, alarm_s)
            except ErrandVoidError:
                raise
            except ErrandLostError:
                # It waits for a server. Another key, since what hangs is what this is to end.
                order["lazily"] = True
                result = await self._dispatch.run(f"unmount {mount_path}", order, alarm_s)
        except ErrandLostError as error:
            return Failed(f"unmounting failed: {error}")
        if result.word != "done":
            return Failed(result.reason)
        self._log_of(mount_path).unlink(missing_ok=True)
        return Unmounted()

    async def probe(
        self, mount_path: str, sub_paths: tuple[str, ...] | None
    ) -> Answered | Silent | Dead | Unasked:
        record = self._records.of(mount_path)
        order = {
            "kind": "probe",
            "base": self._base,
            "mount_path": mount_path,
            "incarnation": record.incarnation if record else "",
            "sub_paths": sub_paths,
        }
        try:
            result = await self._dispatch.run(mount_path, order, self._layout.deadlines.probe_s)
        except ErrandVoidError as error:
            return Unasked(str(error))
        except ErrandLostError as error:
            return Silent(f"the server doesn't answer: {error}")
        finally:
            self._trim_log(mount_path)
        if result.word == "answered":
            if result.sub_paths is None:
                return Answered(hindrance=result.reason)
            return Answered(
                tuple(
                    SubPathCurrent(path=path, place=place, reason=reason)
                    for path, (place, reason) in sorted(result.sub_paths.items())
                )
            )
        return Dead(result.reason) if result.word == "dead" else Silent(result.reason)

    def on_change(self, tell: Callable[[str | None], None]) -> None:
        self._listeners.append(tell)
        self._watch.start()

    @property
    def hanging(self) -> int:
        """How many processes hang in the kernel, waiting for a server."""
        return self._dispatch.hanging

    def close(self) -> None:
        """Stop watching. Every mount stays as it is."""
        self._watch.close()
        self._dispatch.close()

    def _tell(self, mount_path: str | None) -> None:
        for tell in self._listeners:
            tell(mount_path)

    def _judge_mount(self, wish: Wish, result: Result) -> Mounted | Failed:
        if result.word != "done":
            return Failed(result.reason)
        path = wish.volume.mount_path
        text = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
        entry = mountinfo.below(mountinfo.parse(text), self._base).get(path)
        if entry is None:
            return Failed(f"{self._base}/{path} was mounted, and is gone again")
        record: Record = self._records.made(wish.volume.name, path, entry, fingerprint(wish))
        self._records.write(replace(record, pid=result.pid, started=result.started))
        return Mounted(record.incarnation, record.made_for)

    def _place(self, mount_path: str) -> dict[str, Any]:
        folder, _, name = mount_path.partition("/")
        return {"base": self._base, "folder": folder, "name": name}

    def _export(self, volume: VolumeSpec) -> dict[str, Any]:
        assert volume.nas is not None  # noqa: S101 # the caller has looked
        return {
            "kind": "mount_export",
            "program": self._layout.nfs_program,
            "source": nfs.source(volume.nas),
            "options": nfs.mount_options(volume, self._layout.nfs_policy),
            "staging": str(self._staging),
            "staging_options": nfs.staging_options(),
            "root": nfs.source(volume.nas, "/"),
            "parts": path_names(volume.nas.path),
            "mode": int(volume.nas.mode, 8),
            # A volume to read from is not written to, not even a directory.
            "create": not volume.read_only and path_names(volume.nas.path) != (),
        }

    def _bucket(self, volume: VolumeSpec, keys: Path) -> dict[str, Any]:
        places = ossfs.Places(f"{self._base}/{volume.mount_path}", str(keys), self._layout.spool)
        return {
            "kind": "mount_bucket",
            "program": self._layout.ossfs_program,
            "arguments": ossfs.arguments(volume, places),
            "log": str(self._log_of(volume.mount_path)),
        }

    def _write_keys(self, wish: Wish) -> Path:
        assert wish.secret is not None  # noqa: S101 # judged: a bucket without keys is refused
        path = self._secrets / wish.volume.name
        path.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o600), "w") as file:
            file.write(ossfs.key_file(wish.volume, wish.secret))
        return path

    def _log_of(self, mount_path: str) -> Path:
        return self._logs / mount_path.replace("/", ".", 1)

    def _trim_log(self, mount_path: str) -> None:
        path = self._log_of(mount_path)
        if path.exists() and path.stat().st_size > _LOG_BYTES_MAX:
            # The program appends, so it goes on at the file's new end.
            os.truncate(path, 0)
