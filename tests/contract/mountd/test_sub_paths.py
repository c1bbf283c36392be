"""Directories and files of a share that containers get: held by mountd, whatever a share's users do."""
# ruff: noqa: ASYNC240

import errno
import itertools
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mountd import dispatch
from mountd.domain.mountinfo import parse
from mountd.domain.outcomes import Answered
from mountd.errands import sub_paths
from mountd.errands.kernel import is_mounted, open_below
from mountd.errands.sub_paths import Share, hold, release
from schemas.current import SubPathCurrent
from tests.contract.mountd.conftest import NEEDS_ROOT
from tests.contract.mountd.test_exports import Exports, a_share
from tests.contract.mountd.trials import clear
from tests.unit.mountd.test_places import SWAPS, exchange

pytestmark = NEEDS_ROOT


@pytest.fixture
async def exports(tmp_path: Path) -> AsyncIterator[Exports]:
    """A mounted volume, its places, and its server."""
    exports = Exports(tmp_path)
    try:
        await exports.mounter.mount(a_share())
        exports.mounter.table()
        yield exports
    finally:
        exports.mounter.close()
        clear(str(tmp_path))


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What no container may get."""
    outside = tmp_path / "outside"
    (outside / "b").mkdir(parents=True)
    (outside / "shadow").write_text("the node's own")
    return outside


async def held(exports: Exports, *paths: str) -> dict[str, SubPathCurrent]:
    answered = await exports.mounter.probe("nas/media", paths)
    assert isinstance(answered, Answered)
    return {one.path: one for one in answered.sub_paths}


def at(exports: Exports, found: SubPathCurrent) -> Path:
    assert found.place, found.reason
    return Path(exports.layout.base, found.place)


def by_hand(command: str) -> None:
    subprocess.run(command.split(), check=True)


def places(exports: Exports) -> list[Path]:
    return sorted(Path(exports.layout.base, ".sub").iterdir())


async def test_a_directory_and_a_file_are_held_where_only_root_can_write(exports: Exports) -> None:
    (exports.export / "app" / "b").mkdir(parents=True)
    (exports.export / "app" / "b" / "x").write_text("in it")
    (exports.export / "conf").write_text("a file")
    found = await held(exports, "app/b", "conf")
    assert (at(exports, found["app/b"]) / "x").read_text() == "in it"
    assert at(exports, found["conf"]).read_text() == "a file"
    assert Path(exports.layout.base, ".sub").stat().st_mode & 0o7777 == 0o711
    # A second look changes nothing.
    assert await held(exports, "app/b", "conf") == found
    assert len(places(exports)) == 2


async def test_a_place_has_the_flags_of_its_share(exports: Exports) -> None:
    (exports.export / "app").mkdir()
    share = str(Path(exports.layout.base, "nas", "media"))
    by_hand(f"mount -o remount,bind,nosuid,nodev,ro {share}")
    place = str(at(exports, (await held(exports, "app"))["app"]))
    flags = {
        line.split(" ")[4]: line.split(" ")[5]
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
    }
    assert {"ro", "nosuid", "nodev"} <= set(flags[place].split(","))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("link", "link leads through a symbolic link"),
        ("link/b", "link/b leads through a symbolic link"),
        ("inner", "inner leads through a symbolic link"),
        ("app/../../outside", "app/../../outside leads out of it"),
        ("/etc", "/etc leads out of it"),
        ("missing", "it has no missing"),
        ("file/x", "file/x leads through something that is no directory"),
        ("pipe", "pipe leads through something that is no directory"),
        ("a\0b", "it has no a?b"),
        ("n" * 300, f"{'n' * 200} is too long"),
    ],
)
async def test_what_leads_anywhere_else_is_refused_and_nothing_is_left_of_it(
    exports: Exports, outside: Path, path: str, reason: str
) -> None:
    (exports.export / "app").mkdir()
    (exports.export / "file").touch()
    os.mkfifo(exports.export / "pipe")
    (exports.export / "link").symlink_to(outside)
    (exports.export / "inner").symlink_to("app")
    (found,) = (await held(exports, path)).values()
    assert (found.place, found.reason) == ("", reason)
    assert places(exports) == []


async def test_another_file_system_in_the_share_is_none_of_it(exports: Exports) -> None:
    (exports.export / "app").mkdir()
    inner = f"{exports.layout.base}/nas/media/app"
    by_hand(f"mount -t tmpfs other {inner}")
    assert (await held(exports, "app"))["app"].reason == "app leads out of it"


async def test_a_replaced_directory_gets_a_place_of_its_own_and_the_old_one_goes(
    exports: Exports,
) -> None:
    (exports.export / "app").mkdir()
    before = (await held(exports, "app"))["app"]
    running = os.open(at(exports, before), os.O_RDONLY | os.O_DIRECTORY)
    (exports.export / "app").rename(exports.export / "old")
    (exports.export / "app").mkdir()
    (exports.export / "app" / "new").touch()
    after = (await held(exports, "app"))["app"]
    assert after.place != before.place
    assert [path.name for path in at(exports, after).iterdir()] == ["new"]
    assert places(exports) == [at(exports, after)]
    # Whoever has the old one keeps it.
    assert [*os.scandir(running)] == []
    os.close(running)


async def test_a_path_that_turns_bad_keeps_its_place_and_says_why(exports: Exports) -> None:
    (exports.export / "app").mkdir()
    before = (await held(exports, "app"))["app"]
    (exports.export / "app").rename(exports.export / "old")
    (exports.export / "app").symlink_to("/etc")
    assert (await held(exports, "app"))["app"].reason == "app leads through a symbolic link"
    assert places(exports) == [at(exports, before)]
    (exports.export / "app").unlink()
    (exports.export / "old").rename(exports.export / "app")
    assert (await held(exports, "app"))["app"] == before


def test_a_place_where_nothing_can_be_bound_is_not_left(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    (exports.export / "app").mkdir()
    (exports.export / "conf").touch()
    share = Share(exports.layout.base, "nas/media", "one")

    def refuse(_fd: int, _place: str) -> None:
        # As at the limit of fs.mount-max.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as limited:
        limited.setattr(sub_paths, "bind", refuse)
        found = hold(share, ["app", "conf"])
    assert found["conf"] == ("", "conf: no space left on device")
    assert places(exports) == []


def test_a_place_that_an_errand_was_killed_before_it_bound_goes(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    (exports.export / "app").mkdir()
    share = Share(exports.layout.base, "nas/media", "one")
    monkeypatch.setattr(sub_paths, "bind", lambda _fd, _place: None)
    hold(share, ["app"])
    assert len(places(exports)) == 1
    # Also where the path can't be had any more.
    (exports.export / "app").rmdir()
    assert hold(share, ["app"]) == {"app": ("", "it has no app")}
    assert places(exports) == []


@pytest.mark.parametrize("trouble", ["time.sleep(60)", "raise RuntimeError('a defect')"])
async def test_a_share_that_answers_has_answered_whatever_becomes_of_its_sub_paths(
    exports: Exports, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    (exports.export / "app").mkdir()
    before = (await held(exports, "app"))["app"]
    text = f"""import time
from mountd.errands import __main__, sub_paths
def look_up(*_): {trouble}
sub_paths.open_below = look_up
__main__.main()"""
    monkeypatch.setattr(dispatch, "_PROGRAM", (sys.executable, "-I", "-c", text))
    answered = await exports.mounter.probe("nas/media", ("app", "other"))
    assert answered == Answered(hindrance="looking for it did not end within 2 s")
    assert places(exports) == [at(exports, before)]
    assert is_mounted(str(at(exports, before)))


async def test_what_nobody_wants_any_more_is_let_go_and_none_leaves_all(exports: Exports) -> None:
    for name in ("a", "b"):
        (exports.export / name).mkdir()
    found = await held(exports, "a", "b")
    assert await exports.mounter.probe("nas/media", None) == Answered()
    assert len(places(exports)) == 2
    assert (await held(exports, "b"))["b"] == found["b"]
    assert places(exports) == [at(exports, found["b"])]


async def test_an_unmount_lets_go_of_everything(exports: Exports) -> None:
    (exports.export / "app").mkdir()
    (exports.export / "conf").touch()
    found = await held(exports, "app", "conf")
    mounted = [str(at(exports, one)) for one in found.values()]
    assert all(is_mounted(place) for place in mounted)
    await exports.mounter.unmount("nas/media", is_forced=False)
    assert places(exports) == []
    below = Path(exports.layout.base)
    entries = parse(Path("/proc/self/mountinfo").read_text())
    assert [entry for entry in entries if entry.mountpoint.startswith(f"{below}/")] == []


async def test_another_mount_of_the_volume_has_other_places(exports: Exports) -> None:
    (exports.export / "app").mkdir()
    before = (await held(exports, "app"))["app"]
    # By hand, so that nobody tidies up.
    by_hand(f"umount -l {exports.layout.base}/nas/media")
    await exports.mounter.mount(a_share())
    after = (await held(exports, "app"))["app"]
    assert after.place != before.place
    assert places(exports) == [at(exports, after)]


@pytest.fixture
def swapped(exports: Exports, outside: Path) -> Iterator[threading.Event]:
    """While a test runs, `app` in the share is a directory and a link to outside, by turns."""
    (exports.export / "app" / "b").mkdir(parents=True)
    (exports.export / "link").symlink_to(outside)
    has_ended = threading.Event()
    is_enough = has_ended.is_enough = threading.Event()  # type: ignore[attr-defined]

    def swap() -> None:
        rounds = itertools.count()
        while next(rounds) < SWAPS or not is_enough.is_set():
            exchange(exports.export / "app", exports.export / "link")
        has_ended.set()

    attacker = threading.Thread(target=swap)
    attacker.start()
    yield has_ended
    is_enough.set()
    attacker.join()


def test_a_link_that_is_swapped_in_while_we_walk_never_leads_outside(
    exports: Exports, outside: Path, swapped: threading.Event
) -> None:
    share_fd = os.open(f"{exports.layout.base}/nas/media", os.O_PATH | os.O_DIRECTORY)
    outcomes = {"inside": 0, "refused": 0}
    for path in itertools.takewhile(
        lambda _: not swapped.is_set(), itertools.cycle(("app", "app/b"))
    ):
        _ = min(outcomes.values()) and swapped.is_enough.set()  # type: ignore[attr-defined]
        try:
            found_fd = open_below(share_fd, path)
        except OSError:
            outcomes["refused"] += 1
            continue
        assert os.fstat(found_fd).st_dev == exports.export.stat().st_dev
        os.close(found_fd)
        outcomes["inside"] += 1
    os.close(share_fd)
    assert min(outcomes.values()) > 0, outcomes


def test_a_link_that_is_swapped_in_while_it_is_bound_is_never_bound(
    exports: Exports, outside: Path, swapped: threading.Event
) -> None:
    share = Share(exports.layout.base, "nas/media", "one")
    outcomes = {"held": 0, "refused": 0}
    while not swapped.is_set():
        _ = min(outcomes.values()) and swapped.is_enough.set()  # type: ignore[attr-defined]
        place, _ = hold(share, ["app/b"])["app/b"]
        outcomes["held" if place else "refused"] += 1
        if place:
            there = Path(share.base, place)
            assert there.stat().st_dev == exports.export.stat().st_dev
        release(share.base, share.mount_path)
    assert min(outcomes.values()) > 0, outcomes
