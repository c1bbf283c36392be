"""Directories that are exchanged for links while they are used."""

import ctypes
import itertools
import os
import stat
import threading
from pathlib import Path

import pytest

from mountd.errands.places import (
    PlaceRefusedError,
    make_directories,
    make_mountpoint,
    parent_of,
)

#: how often the attacker exchanges a directory for a link, and how often we walk meanwhile
SWAPS = 10_000


def _make(root: Path, *names: str, mode: int = 0o750) -> bool:
    root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return make_directories(root_fd, names, mode)
    finally:
        os.close(root_fd)


def exchange(one: Path, other: Path) -> None:
    """Each gets the other's name, with no moment between."""
    at_cwd, exchange = -100, 2
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(at_cwd, os.fsencode(one), at_cwd, os.fsencode(other), exchange):
        raise OSError(ctypes.get_errno(), "renameat2")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_missing_directory_is_made_with_its_mode(tmp_path: Path) -> None:
    assert _make(tmp_path, "a", "b", mode=0o2775)
    assert _mode(tmp_path / "a") == 0o755
    assert _mode(tmp_path / "a" / "b") == 0o2775


def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o700)
    assert not _make(tmp_path, "a", mode=0o777)
    assert _mode(tmp_path / "a") == 0o700


def test_no_link_is_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    export = tmp_path / "export"
    export.mkdir()
    (export / "a").symlink_to(outside)
    (export / "b").mkdir()
    (export / "b" / "c").symlink_to("/nowhere")
    (export / "file").touch()
    for names in (("a",), ("a", "x"), ("b", "c"), ("file", "x")):
        with pytest.raises(PlaceRefusedError, match="symbolic link or no directory"):
            _make(export, *names)
    assert list(outside.iterdir()) == []


def test_an_exchange_while_we_walk_never_leads_us_outside(tmp_path: Path) -> None:
    outside, export = tmp_path / "outside", tmp_path / "export"
    for folder in (outside, export, export / "a"):
        folder.mkdir()
    before = _mode(outside)
    (tmp_path / "link").symlink_to(outside)
    has_ended = threading.Event()

    def attack() -> None:
        try:
            for _ in range(SWAPS):
                exchange(export / "a", tmp_path / "link")
        finally:
            has_ended.set()

    attacker = threading.Thread(target=attack)
    attacker.start()
    outcomes = {"made": 0, "refused": 0}
    for number in itertools.count():
        if has_ended.is_set():
            break
        try:
            _make(export, "a", str(number), mode=0o777)
            outcomes["made"] += 1
        except PlaceRefusedError:
            outcomes["refused"] += 1
    attacker.join()
    assert list(outside.iterdir()) == []
    assert _mode(outside) == before
    # Both ends of the race were seen, or it proves nothing.
    assert min(outcomes.values()) > 0, outcomes


def test_a_mountpoint_is_made_where_nobody_else_can_write(tmp_path: Path) -> None:
    base = tmp_path / "acs_mnt"
    path = Path(make_mountpoint(str(base), "nas", "media"))
    assert path == base / "nas" / "media"
    assert [_mode(one) for one in (base, base / "nas", path)] == [0o711, 0o711, 0]
    assert make_mountpoint(str(base), "nas", "media") == str(path)


def test_a_link_in_the_place_of_any_part_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "nas" / "media").mkdir(parents=True)
    linked = tmp_path / "linked"
    linked.symlink_to(elsewhere)
    with pytest.raises(PlaceRefusedError):
        make_mountpoint(str(linked), "nas", "media")

    for below in ("nas", "nas/media"):
        base = tmp_path / f"base-{below.replace('/', '-')}"
        (base / below).parent.mkdir(mode=0o711, parents=True)
        (base / below).symlink_to(elsewhere)
        with pytest.raises(PlaceRefusedError):
            make_mountpoint(str(base), "nas", "media")


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775])
def test_a_directory_that_others_can_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    base = tmp_path / "acs_mnt"
    base.mkdir()
    base.chmod(mode)
    with (
        pytest.raises(PlaceRefusedError, match="nobody else may write"),
        parent_of(str(base), "nas"),
    ):
        pytest.fail("it was taken")


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a directory away needs root")
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    base = tmp_path / "acs_mnt"
    base.mkdir(mode=0o711)
    os.chown(base, 65534, 65534)
    with pytest.raises(PlaceRefusedError, match="must belong to root"):
        make_mountpoint(str(base), "nas", "media")


def test_an_export_that_exists_for_others_only_is_said_to_be_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise FileExistsError

    # As a server of NFS answers where an export is not for us: it can't be made, nor opened.
    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(PlaceRefusedError, match="foreign is not shown to this node"):
        _make(tmp_path, "foreign", "x")
