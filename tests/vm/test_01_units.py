"""The units of systemd/, under a real systemd."""

import re

import pytest

from tests.vm.world import UNITS, VmWorld

OURS = ("troopers-mountd", "troopers-agent", "troopers-coordinator")
#: systemd's own score of what a service could do to its machine: 10 is everything, below 2 is "OK"
EXPOSURE_MAX = {"troopers-mountd": 6.0, "troopers-agent": 2.0, "troopers-coordinator": 2.0}
#: WatchdogSec, then the time that a stopped process is given to end
WATCHDOG_S_MAX = 60.0


def test_a_machine_comes_up_with_every_unit_active_and_none_failed(world: VmWorld) -> None:
    assert [unit for unit in UNITS if not world.guest.is_active(unit)] == []
    assert world.guest.run("systemctl --failed --plain --no-legend") == ""
    world.wait_for(lambda: world.guest.succeeds("systemctl is-system-running"), "boot is over")
    world.seen.tell("boot", world.guest.run("systemd-analyze time | head -1"))
    for unit in OURS:
        restarts = world.guest.of_unit(unit, "NRestarts")
        assert restarts == "0", f"{unit} restarted {restarts} times while booting"


@pytest.mark.parametrize("unit", ["troopers-agent", "troopers-mountd"])
def test_systemd_counts_a_unit_as_started_when_it_says_that_it_is_ready(
    world: VmWorld, unit: str
) -> None:
    assert world.guest.of_unit(unit, "Type") == "notify"
    took = "$(( $(systemctl show --value -p ActiveEnterTimestampMonotonic {u}) - $(systemctl show "
    took += "--value -p InactiveExitTimestampMonotonic {u}) ))"
    micros = int(world.guest.run("echo " + took.format(u=unit)))
    # `simple` would be active the moment its process is forked.
    assert micros > 100_000
    world.seen.tell(f"{unit}: from start to READY=1", f"{micros / 1e6:.1f} s")


@pytest.mark.parametrize("unit", OURS)
def test_a_unit_is_locked_up_as_far_as_its_work_allows(world: VmWorld, unit: str) -> None:
    told = world.guest.run(f"systemd-analyze security --no-pager {unit} | tail -1")
    score = float(re.findall(r"\d+\.\d+", told)[0])
    world.seen.tell(f"{unit}: systemd-analyze security", told.partition(": ")[2])
    assert score <= EXPOSURE_MAX[unit]


def test_an_agent_that_hangs_is_replaced_and_no_container_notices(world: VmWorld) -> None:
    world.deploy("steady", {})
    started = world.container("steady_app_1", ".State.StartedAt")
    assert started
    pid = world.guest.of_unit("troopers-agent", "MainPID")
    world.guest.run(f"kill -STOP {pid}")
    took = world.wait_for(
        lambda: (
            world.guest.of_unit("troopers-agent", "MainPID") not in {"0", pid}
            and world.guest.is_active("troopers-agent")
        ),
        "another agent is ready",
        deadline_s=WATCHDOG_S_MAX + 60,
    )
    world.seen.tell("agent stopped with SIGSTOP: until another one was ready", f"{took:.0f} s")
    assert "watchdog" in world.guest.journal("troopers-agent").lower()
    world.wait_until_ready()
    assert world.container("steady_app_1", ".State.StartedAt") == started


@pytest.mark.parametrize("unit", OURS)
def test_a_unit_that_is_killed_comes_back(world: VmWorld, unit: str) -> None:
    pid = world.guest.of_unit(unit, "MainPID")
    world.guest.run(f"kill -KILL {pid}")
    took = world.wait_for(
        lambda: (
            world.guest.of_unit(unit, "MainPID") not in {"0", pid} and world.guest.is_active(unit)
        ),
        f"{unit} is active again",
    )
    world.seen.tell(f"{unit}: killed, until it was active again", f"{took:.1f} s")
    world.wait_until_ready()
