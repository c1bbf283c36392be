"""The one real engine that this session's contract and integration tests share."""

import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.errors import RequirementMissing
from cli.image import busybox_root
from cli.machines import Machine, Machines

#: All the same busybox; the fake engine tells containers apart by their image.
IMAGES = ("box:1", "stubborn:1", "exits:1")


@functools.cache
def _machines() -> Machines:
    """One machine with an engine of its own."""
    made = Machines.create(Path(tempfile.mkdtemp(prefix="troopers-contract-")), 1)
    root = busybox_root()
    for tag in IMAGES:
        made.import_image(tag, root)
    return made


@pytest.fixture(scope="session", autouse=True)
def machines_end_with_the_session() -> Iterator[None]:
    """Destroy what `clean_machine` made. Every conftest that uses it must import this."""
    yield
    if _machines.cache_info().currsize:
        made = _machines()
        made.destroy()
        shutil.rmtree(made.home, ignore_errors=True)
        _machines.cache_clear()


def clean_machine() -> Machine:
    """The machine with nothing of Troopers' on it. Without root it can't be made: skip."""
    is_required = os.geteuid() == 0 or "CI" in os.environ
    try:
        made = _machines()
    except RequirementMissing as missing:
        if is_required:
            raise
        pytest.skip(f"no real engine: {missing}")
    made.wipe()
    return made[0]
