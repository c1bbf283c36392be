"""A nas volume over a real NFS server: made, mounted, written and read."""

import stat

import pytest

from cli.errors import CommandFailed
from tests.vm.world import VmWorld

MOUNTPOINT = "/mnt/acs_mnt/nas/files"


pytestmark = pytest.mark.usefixtures("_files")


@pytest.fixture
def _files(world: VmWorld) -> None:
    """One volume, mounted."""
    assert world.create_volume("files", "/team/files", mode="750")["Mountpoint"] == MOUNTPOINT
    world.wait_for(lambda: world.mount_state("files") == "mounted", "the volume is mounted")


def test_a_volume_is_mounted_where_the_reference_says_with_its_directory_made(
    world: VmWorld,
) -> None:
    made = world.nfs.share / "team" / "files"
    assert stat.filemode(made.stat().st_mode) == "drwxr-x---"
    kind, _, options = world.guest.run(f"findmnt -n -o FSTYPE,OPTIONS {MOUNTPOINT}").partition(" ")
    assert kind == "nfs4"
    assert {"rw", "nosuid", "nodev", "hard"} <= set(options.strip().split(","))
    world.seen.tell("the mount, as the kernel shows it", options.strip())


def test_a_volume_is_mounted_within_seconds(world: VmWorld) -> None:
    world.create_volume("quick", "/quick")
    took = world.wait_for(lambda: world.mount_state("quick") == "mounted", "it is mounted")
    world.seen.tell("POST /volumes/create, until it was mounted", f"{took:.1f} s")


def test_what_mountd_mounts_the_engine_sees(world: VmWorld) -> None:
    engine = world.guest.of_unit("docker", "MainPID")
    assert f" {MOUNTPOINT} " in world.guest.run(f"cat /proc/{engine}/mountinfo")


def test_the_agent_and_the_coordinator_have_no_business_on_a_share(world: VmWorld) -> None:
    for unit in ("troopers-agent", "troopers-coordinator"):
        pid = world.guest.of_unit(unit, "MainPID")
        assert "/mnt/acs_mnt" not in world.guest.run(f"ls -l /proc/{pid}/fd /proc/{pid}/cwd")


@pytest.mark.parametrize("source", ["files", MOUNTPOINT], ids=["by-name", "by-path"])
def test_a_container_writes_and_reads_what_the_server_has(world: VmWorld, source: str) -> None:
    world.deploy("writer", {"volumes": [f"{source}:/data"]})
    world.in_container("writer_app_1", "sh -c 'echo from a container > /data/a'")
    share = world.nfs.share / "team" / "files"
    assert (share / "a").read_text() == "from a container\n"
    (share / "b").write_text("from outside\n")
    assert world.in_container("writer_app_1", "cat /data/b") == "from outside"


def test_a_container_may_be_kept_from_writing(world: VmWorld) -> None:
    (world.nfs.share / "team" / "files" / "c").write_text("look, don't touch\n")
    world.deploy("reader", {"volumes": ["files:/data:ro"]})
    assert world.in_container("reader_app_1", "cat /data/c") == "look, don't touch"
    with pytest.raises(CommandFailed, match=r"[Rr]ead-only"):
        world.in_container("reader_app_1", "sh -c 'echo x > /data/d'")


def test_a_volume_names_the_containers_that_use_it(world: VmWorld) -> None:
    world.deploy("writer", {"volumes": ["files:/data"]})
    refs = world.volume("files")["Refs"]
    assert [ref["Name"].lstrip("/") for ref in refs] == ["writer_app_1"]


def test_a_directory_of_a_volume_is_its_own_and_no_link_leads_out_of_it(world: VmWorld) -> None:
    share = world.nfs.share / "team" / "files"
    (share / "inner").mkdir(exist_ok=True)
    (share / "inner" / "a").write_text("in the directory\n")
    (share / "link").symlink_to("/etc")
    world.deploy("inner", {"volumes": [f"{MOUNTPOINT}/inner:/data"]})
    assert world.in_container("inner_app_1", "cat /data/a") == "in the directory"
    world.in_container("inner_app_1", "sh -c 'echo mine > /data/b'")
    assert (share / "inner" / "b").read_text() == "mine\n"
    world.deploy("linked", {"volumes": [f"{MOUNTPOINT}/link:/data"]}, wait=False)
    status, message = world.status_of("POST", "/projects/linked/start")
    assert status == 500
    assert "link leads through a symbolic link" in message
    assert not world.is_running("linked_app_1")
    (share / "link").unlink()


def test_a_directory_that_is_replaced_on_the_server_is_used_by_the_next_start(
    world: VmWorld,
) -> None:
    share = world.nfs.share / "team" / "files"
    (share / "site").mkdir()
    world.deploy("site", {"volumes": [f"{MOUNTPOINT}/site:/data"]})
    began = world.container("site_app_1", ".Id")
    (share / "site").rename(share / "site-1")
    (share / "site").mkdir()
    (share / "site" / "new").write_text("the second one\n")
    held = ("findmnt -n -o TARGET --list | grep /mnt/acs_mnt/.sub/ | xargs -n 1 ls",)
    world.wait_for(lambda: "new" in world.guest.run(*held), "mountd has noticed")
    assert world.container("site_app_1", ".Id") == began
    world.guest.run("docker kill site_app_1")
    world.wait_for(
        lambda: world.in_container("site_app_1", "cat /data/new") == "the second one",
        "it was made anew on the directory that is there now",
    )
