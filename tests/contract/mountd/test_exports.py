"""Exports: everything but NFS itself, which this suite's machines need no client for.

In the place of mount.nfs4 stands a program that takes the same arguments, and mounts a directory of
a file system of its own. What it says when it fails is what mount.nfs4 says.
"""
# ruff: noqa: ASYNC221, ASYNC240
# (Nothing here can hang: every file system is this machine's own.)

import asyncio
import stat
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mountd.domain.outcomes import Answered, Dead, Failed, Mounted, Unmounted
from mountd.domain.track import Wish
from mountd.errands.kernel import detach, is_mounted
from mountd.host import Deadlines, HostMounter, Layout
from tests.contract.engines import eventually
from tests.contract.mountd.conftest import NEEDS_ROOT
from tests.contract.mountd.trials import clear
from tests.unit.mountd.builders import a_nas, a_wish

pytestmark = NEEDS_ROOT

_MOUNT = """#!/bin/sh
printf '%s\\n' "$*" >>{log}
path=${{1#*:}}
case $1 in
    slow:*) sleep 100 ;;
    denied:/) echo "mount.nfs4: access denied by server while mounting $1" >&2; exit 32 ;;
esac
if ! [ -d "{export}$path" ]; then
    echo "mount.nfs4: mounting $1 failed, reason given by server: No such file or directory" >&2
    exit 32
fi
exec mount --bind "{export}$path" "$2"
"""


class Exports:
    """A server's exports, and a mounter for them."""

    def __init__(self, directory: Path) -> None:
        self.export = directory / "export"
        self.export.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "export", str(self.export)], check=True)
        self.log = directory / "log"
        program = directory / "mount.nfs4"
        program.write_text(_MOUNT.format(export=self.export, log=self.log))
        program.chmod(0o755)
        run_dir = directory / "run"
        run_dir.mkdir()
        self.layout = Layout(
            base=str(directory / "acs_mnt"),
            run_dir=run_dir,
            ossfs_program="ossfs",
            nfs_program=str(program),
            deadlines=Deadlines(mount_s=2.0, probe_s=2.0, unmount_s=5.0),
        )
        self.mounter = HostMounter(self.layout)

    @property
    def staging(self) -> list[Path]:
        return list((self.layout.run_dir / "staging").iterdir())


@pytest.fixture
async def exports(tmp_path: Path) -> AsyncIterator[Exports]:
    exports = Exports(tmp_path)
    try:
        yield exports
    finally:
        exports.mounter.close()
        clear(str(tmp_path))


def a_share(**options: object) -> Wish:
    return a_wish(a_nas(**{"path": "/", **options}))  # type: ignore[arg-type]


async def test_an_export_is_mounted_probed_and_unmounted(exports: Exports) -> None:
    (exports.export / "file").write_text("remote")
    wish = a_share()
    mounted = await exports.mounter.mount(wish)
    assert isinstance(mounted, Mounted)
    path = Path(exports.layout.base, "nas", "media")
    assert (path / "file").read_text() == "remote"
    (found,) = exports.mounter.table().values()
    assert (found.name, found.incarnation) == ("media", mounted.incarnation)
    assert await exports.mounter.probe("nas/media", None) == Answered()
    assert await exports.mounter.unmount("nas/media", is_forced=False) == Unmounted()
    assert not path.exists()
    assert exports.mounter.table() == {}
    assert (exports.export / "file").read_text() == "remote"


async def test_the_options_are_ours(exports: Exports) -> None:
    await exports.mounter.mount(a_share())
    said = exports.log.read_text().split()
    assert said[:2] == ["files.example:/", f"{exports.layout.base}/nas/media"]
    assert {"nosuid", "nodev", "hard"} <= set(said[3].split(","))


async def test_a_missing_directory_is_made_on_the_server(exports: Exports) -> None:
    mounted = await exports.mounter.mount(a_share(path="/a/b", mode="2770"))
    assert isinstance(mounted, Mounted)
    made = (exports.export / "a" / "b").stat()
    assert stat.S_IMODE(made.st_mode) == 0o2770
    path = Path(exports.layout.base, "nas", "media")
    (path / "file").write_text("x")
    assert (exports.export / "a" / "b" / "file").exists()
    assert exports.staging == []


async def test_a_volume_to_read_from_makes_nothing(exports: Exports) -> None:
    failed = await exports.mounter.mount(a_share(path="/a", read_only=True))
    assert failed == Failed("the server has no files.example:/a")
    assert list(exports.export.iterdir()) == []


async def test_a_link_in_the_export_is_not_followed_to_make_something(
    exports: Exports, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (exports.export / "a").symlink_to(outside)
    failed = await exports.mounter.mount(a_share(path="/a/b"))
    assert isinstance(failed, Failed)
    assert "symbolic link" in failed.reason
    assert list(outside.iterdir()) == []
    assert exports.staging == []


async def test_why_it_fails_is_said(exports: Exports) -> None:
    failed = await exports.mounter.mount(a_share(host="denied"))
    assert failed == Failed("the server denies access to the export denied:/")
    failed = await exports.mounter.mount(a_share(host="denied", path="/a"))
    assert isinstance(failed, Failed)
    assert "no denied:/a" in failed.reason
    assert "denies access" in failed.reason
    assert exports.staging == []


async def test_an_attempt_waits_for_the_one_before(exports: Exports) -> None:
    # Two processes of mountd: one was killed while its errand was under way.
    slow = asyncio.create_task(exports.mounter.mount(a_share(host="slow")))
    await eventually(lambda: exports.log.exists() and "slow:" in exports.log.read_text())
    successor = HostMounter(exports.layout)
    failed = await successor.mount(a_share())
    successor.close()
    assert isinstance(failed, Failed)
    assert "earlier attempt" in failed.reason
    await slow


async def test_a_failed_attempt_leaves_nothing_and_nothing_is_mounted_twice(
    exports: Exports,
) -> None:
    await exports.mounter.mount(a_share(host="denied"))
    assert list(Path(exports.layout.base, "nas").iterdir()) == []
    assert isinstance(await exports.mounter.mount(a_share()), Mounted)
    again = await exports.mounter.mount(a_share())
    assert isinstance(again, Failed)
    assert "already" in again.reason
    assert len(exports.mounter.table()) == 1


async def test_a_mount_that_takes_too_long_is_given_up(exports: Exports) -> None:
    failed = await exports.mounter.mount(a_share(host="slow"))
    assert failed == Failed("the server of slow:/ doesn't answer")
    assert exports.mounter.table() == {}


async def test_a_busy_mount_leaves_its_users_what_they_have(exports: Exports) -> None:
    (exports.export / "file").write_text("remote")
    await exports.mounter.mount(a_share())
    path = Path(exports.layout.base, "nas", "media")
    with (path / "file").open() as user:
        assert await exports.mounter.unmount("nas/media", is_forced=False) == Unmounted()
        assert not path.exists()
        assert user.read() == "remote"


async def test_what_was_written_to_the_bare_directory_is_not_deleted(exports: Exports) -> None:
    path = Path(exports.layout.base, "nas", "media")
    await exports.mounter.mount(a_share())
    await exports.mounter.unmount("nas/media", is_forced=False)
    path.mkdir()
    (path / "file").write_text("local")
    assert await exports.mounter.unmount("nas/media", is_forced=False) == Unmounted()
    assert (path / "file").read_text() == "local"


async def test_a_directory_that_is_no_mount_is_dead(exports: Exports) -> None:
    await exports.mounter.mount(a_share())
    detach(f"{exports.layout.base}/nas/media")
    probed = await exports.mounter.probe("nas/media", None)
    assert probed == Dead("nothing is mounted there any more")


async def test_a_mount_keeps_its_incarnation_and_the_next_one_gets_another(
    exports: Exports,
) -> None:
    first = await exports.mounter.mount(a_share())
    assert isinstance(first, Mounted)
    successor = HostMounter(exports.layout)
    (found,) = successor.table().values()
    assert (found.incarnation, found.made_for) == (first.incarnation, first.made_for)
    await successor.unmount("nas/media", is_forced=False)
    second = await successor.mount(a_share())
    assert isinstance(second, Mounted)
    assert second.incarnation != first.incarnation
    successor.close()


async def test_a_mount_of_nobody_s_is_found_and_stays_the_same(exports: Exports) -> None:
    path = Path(exports.layout.base, "nas", "foreign")
    path.mkdir(parents=True)
    subprocess.run(["mount", "--bind", str(exports.export), str(path)], check=True)
    (found,) = exports.mounter.table().values()
    assert (found.name, found.made_for) == ("foreign", "")
    (again,) = HostMounter(exports.layout).table().values()
    assert again == found


async def test_staging_that_was_left_mounted_is_swept_away(exports: Exports) -> None:
    left = exports.layout.run_dir / "staging" / "media"
    left.mkdir()
    (exports.export / "file").write_text("remote")
    subprocess.run(["mount", "--bind", str(exports.export), str(left)], check=True)
    await HostMounter(exports.layout).sweep()
    assert not is_mounted(str(left))
    assert exports.staging == []
    assert (exports.export / "file").read_text() == "remote"


async def test_a_base_that_others_can_write_to_is_refused(exports: Exports) -> None:
    base = Path(exports.layout.base)
    base.mkdir()
    base.chmod(0o777)
    failed = await exports.mounter.mount(a_share())
    assert isinstance(failed, Failed)
    assert "nobody else may write" in failed.reason


async def test_a_missing_program_is_a_clear_failure(exports: Exports) -> None:
    mounter = HostMounter(replace(exports.layout, nfs_program="/nowhere/mount.nfs4"))
    failed = await mounter.mount(a_share())
    assert isinstance(failed, Failed)
    assert "/nowhere/mount.nfs4" in failed.reason
