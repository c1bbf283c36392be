"""The one real engine that this session's contract and integration tests share."""

import os
from collections.abc import Iterator

import pytest

from cli.errors import RequirementMissing
from cli.image import busybox_root
from cli.machines import Machine, Machines
from tests.guard import LeakGuard

#: All the same busybox; the fake engine tells containers apart by their image.
IMAGES = ("box:1", "stubborn:1", "exits:1")


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory, leak_guard: LeakGuard) -> Iterator[Machines]:
    """One machine with an engine of its own. Without root it can't be made: skip."""
    is_required = os.geteuid() == 0 or "CI" in os.environ
    try:
        made = Machines.create(tmp_path_factory.mktemp("machines"), 1)
    except RequirementMissing as missing:
        if is_required:
            raise
        pytest.skip(f"no real engine: {missing}")
    with made:
        root = busybox_root()
        for tag in IMAGES:
            made.import_image(tag, root)
        leak_guard.watch(made[0].dockerd)
        yield made


@pytest.fixture
def machine(machines: Machines) -> Iterator[Machine]:
    """With nothing of Troopers' on it; whatever a test does to its engine is undone."""
    yield machines[0]
    machines.wipe()
