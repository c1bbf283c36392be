"""Volumes that can't be mounted: what their owner is told, and what is not done."""

import re

import pytest

from tests.vm.nfs_server import HOST
from tests.vm.world import VmWorld

#: path, host, what the reason must speak of
WRONG = {
    "an export for others": ("/foreign/x", HOST, "denies|denied|not permitted|has no|show"),
    "an export for reading": ("/sealed/x", HOST, "[Rr]ead-only"),
    "a host without a server": ("/x", "127.0.0.1", "refuses connections"),
}
#: long enough for an agent that would start it anyway
_RESTRAINT_S = 15.0


@pytest.mark.parametrize(("path", "host", "why"), WRONG.values(), ids=list(WRONG))
def test_a_volume_that_cannot_be_mounted_says_why_and_starts_nobody(
    world: VmWorld, path: str, host: str, why: str
) -> None:
    world.create_volume("wrong", path, host=host)
    took = world.wait_for(lambda: world.mount_state("wrong") == "failed", "the volume is failed")
    world.seen.tell(f"{host}:{path}, after {took:.1f} s", world.reason("wrong"))
    world.deploy("orphan", {"volumes": ["wrong:/data"]}, wait=False)
    world.stays(
        lambda: not world.is_running("orphan_app_1") and world.project_state("orphan") != "running",
        "the container is not started without its volume",
        _RESTRAINT_S,
    )
    assert re.search(why, world.reason("wrong"))


def test_a_wrong_volume_is_nobody_else_s_trouble(world: VmWorld) -> None:
    world.create_volume("wrong", "/foreign/x")
    world.create_volume("right", "/right")
    world.deploy("lucky", {"volumes": ["right:/data"]})
    world.in_container("lucky_app_1", "sh -c 'echo x > /data/x'")
    assert (world.nfs.share / "right" / "x").exists()
