"""What starts first when a machine comes back."""

import time

from tests.vm.world import UNITS, VmWorld

#: from the order to reboot until the processor is reset: systemd gives a unit 90 s to end
_SHUTDOWN_S_MAX = 120.0
#: how long a container must not have been started without its volume
_RESTRAINT_S = 20.0


def test_after_a_reboot_a_container_waits_for_its_mount(world: VmWorld) -> None:
    world.create_volume("ledger", "/ledger")
    world.deploy("books", {"volumes": ["ledger:/data"]})
    world.in_container("books_app_1", "sh -c 'echo kept > /data/line'")
    world.deploy("other", {})

    with world.machine.monitor() as monitor:
        ordered = time.monotonic()
        world.guest.attempt("systemctl reboot")
        monitor.wait_for("RESET", _SHUTDOWN_S_MAX)
        # It takes seconds to a kernel. When it looks for the server, nobody answers.
        world.nfs.pause()
    world.seen.tell(
        "reboot with a mounted volume: until the reset", f"{time.monotonic() - ordered:.1f} s"
    )
    world.guest.hang_up()
    world.guest.wait_until_up()
    world.wait_for(
        lambda: all(world.guest.is_active(unit) for unit in UNITS), "all units are active", 300
    )
    world.wait_for(lambda: world.is_running("other_app_1"), "the other project runs again")
    world.seen.tell(
        "reboot, until another project's container ran", f"{time.monotonic() - ordered:.0f} s"
    )

    world.stays(
        lambda: (
            not world.is_running("books_app_1")
            and world.mount_state("ledger") in {"mounting", "failed"}
        ),
        "the container is not started before its volume is mounted",
        _RESTRAINT_S,
    )
    mount = f"{world.mount_state('ledger')} {world.reason('ledger')}"
    world.seen.tell("the mount meanwhile, its server being silent", mount)
    # Nothing was written below the empty mount point either.
    assert world.guest.run("ls -A /mnt/acs_mnt/nas/ledger 2>/dev/null; true") == ""

    world.nfs.resume()
    took = world.wait_for(lambda: world.is_running("books_app_1"), "the container runs again")
    world.seen.tell("the server answers, until the container ran", f"{took:.1f} s")
    assert world.in_container("books_app_1", "cat /data/line") == "kept"


def test_after_a_power_cut_everything_comes_back_by_itself(world: VmWorld) -> None:
    world.create_volume("ledger", "/ledger")
    world.deploy("books", {"volumes": ["ledger:/data"]})
    world.in_container("books_app_1", "sh -c 'echo kept > /data/line; sync /data/line'")

    with world.machine.monitor() as monitor:
        monitor.command("system_reset")
        cut = time.monotonic()
    world.guest.hang_up()
    world.guest.wait_until_up()
    world.wait_for(lambda: world.is_running("books_app_1"), "the container runs again", 300)
    world.seen.tell("power cut, until the container ran", f"{time.monotonic() - cut:.0f} s")
    assert world.in_container("books_app_1", "cat /data/line") == "kept"
