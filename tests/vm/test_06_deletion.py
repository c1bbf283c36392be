"""Deleting a volume: never under somebody's feet, and never what is on the server."""

import time

from tests.vm.world import VmWorld


def is_mounted(world: VmWorld, name: str) -> bool:
    return f" /mnt/acs_mnt/nas/{name} " in world.guest.run("cat /proc/self/mountinfo")


def is_known(world: VmWorld, name: str) -> bool:
    return world.status_of("GET", f"/volumes/{name}")[0] != 404


def test_a_volume_in_use_is_kept_and_its_users_are_named(world: VmWorld) -> None:
    world.create_volume("archive", "/archive")
    world.deploy("keeper", {"volumes": ["archive:/data"]})
    status, message = world.status_of("DELETE", "/volumes/archive")
    assert status == 409
    assert "keeper_app" in message
    world.seen.tell("DELETE of a volume in use", message)
    assert is_mounted(world, "archive")


def test_a_deleted_volume_leaves_the_node_and_its_files_stay_on_the_server(world: VmWorld) -> None:
    world.create_volume("archive", "/archive")
    world.deploy("keeper", {"volumes": ["archive:/data"]})
    world.in_container("keeper_app_1", "sh -c 'echo for ever > /data/record'")
    world.api.delete("/projects/keeper?force=true")
    world.wait_for(lambda: not world.api.get("/projects/"), "the project is gone")

    began = time.monotonic()
    assert world.api.delete("/volumes/archive") is None
    world.wait_for(lambda: not is_mounted(world, "archive"), "it is unmounted")
    took = time.monotonic() - began
    world.seen.tell("DELETE /volumes/{name}, until it was unmounted", f"{took:.1f} s")
    world.wait_for(lambda: not is_known(world, "archive"), "nobody knows it any more")
    assert not world.guest.succeeds("test -e /mnt/acs_mnt/nas/archive")
    assert (world.nfs.share / "archive" / "record").read_text() == "for ever\n"


def test_a_volume_can_be_deleted_while_its_server_is_silent(world: VmWorld) -> None:
    world.create_volume("lost", "/lost")
    world.wait_for(lambda: world.mount_state("lost") == "mounted", "the volume is mounted")
    world.nfs.pause()
    world.wait_for(lambda: world.mount_state("lost") == "stuck", "the volume is stuck")
    began = time.monotonic()
    assert world.api.delete("/volumes/lost") is None
    world.wait_for(lambda: not is_mounted(world, "lost"), "it is unmounted")
    took = time.monotonic() - began
    world.seen.tell("the same while its server is silent", f"{took:.1f} s")
    world.wait_for(lambda: not is_known(world, "lost"), "nobody knows it any more")
