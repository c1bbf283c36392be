"""A whole fleet on one machine: what the control plane needs, and how fast it is.

    python -m bench.fleet [--nodes 1000] [--containers 20] [--seconds 60]

Real nats-server, real coordinator, real agents with their real bus; only the engines are made up,
so that one machine holds them all. Prints, beside each value its limit, and never fails.
All processes share this machine's cores: what the nodes themselves take is printed too.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from bench.fleet_nodes import IMAGE
from bench.fleet_overload import far_apart, measure_overload, project_name
from bench.fleet_parts import Fleet, running_fleet
from bench.fleet_restart import Change, measure_restart
from bench.loop_stalls import Stalls
from bench.openloop import Latencies, Request, Stream, load, send_all
from bench.usage import Usage
from cli.errors import ApiError, StartFailed
from cli.waiting import wait_until
from schemas.names import container_name, service_id

#: a fleet that is overloaded converges slowly, but a bench must end
PATIENCE_S = 900.0
#: as an impatient script does
DEPLOYS_AT_ONCE = 16
WRITES_PER_S = 20.0
READS_PER_S = 100.0
#: of each of the two lists: somebody has a dashboard open
LISTS_PER_S = 0.5
LOAD_S_MAX = 30.0
#: the service whose scale is changed
TUNED = "tuned"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--containers", type=int, default=20, help="on each node, on average")
    parser.add_argument("--seconds", type=float, default=60.0, help="of steady state")
    arguments = parser.parse_args()
    # As Ctrl-C does: every `with` block is left in order.
    signal.signal(signal.SIGTERM, _end)
    _say(f"load average before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    began = time.monotonic()
    try:
        with running_fleet(arguments.nodes) as fleet:
            _say(f"{arguments.nodes} nodes connected after {time.monotonic() - began:.1f} s")
            _measure(fleet, arguments.containers, arguments.seconds)
    except StartFailed as error:
        sys.exit(f"{error}\n{error.log_tail}")
    except ApiError as error:
        sys.exit(str(error))


def _measure(fleet: Fleet, containers: int, seconds: float) -> None:
    _until("all nodes are healthy", lambda: _healthy(fleet) == fleet.nodes)
    services = _services(containers)
    _converge(fleet, services)
    _until_quiet(fleet)
    _steady(fleet, seconds)
    _latencies(fleet, services[TUNED], min(seconds, LOAD_S_MAX))
    _until_quiet(fleet)
    # Beyond what the load before has left, so that a change that is lost shows.
    for line in measure_overload(fleet, TUNED, services[TUNED] + 2, min(seconds, LOAD_S_MAX)):
        _say(line)
    _until_quiet(fleet)
    # One more than the load has ever asked for.
    scale = services[TUNED] + 4
    changes = [
        Change(service_id(name, TUNED), scale, container_name(name, TUNED, scale))
        for name in map(project_name, range(fleet.nodes))
    ]
    for line in measure_restart(fleet, changes):
        _say(line)


def _services(containers: int) -> dict[str, int]:
    """One project's services and their scales: as many containers as one node has on average."""
    scales = {
        "worker": containers * 3 // 10,
        "cache": containers // 5,
        TUNED: max(1, containers // 10),
    }
    scales["web"] = containers - sum(scales.values())
    return {name: scale for name, scale in scales.items() if scale > 0}


def _converge(fleet: Fleet, services: dict[str, int]) -> None:
    """Deploy one project for each node, as fast as they are accepted, and wait until they run."""
    template = json.dumps(
        {
            "version": "2.2",
            "services": {
                name: {"image": IMAGE, "command": ["serve"], "scale": scale}
                for name, scale in services.items()
            },
        }
    )
    began = time.monotonic()
    requests = [
        # With an id: one that got no answer in time may have been accepted all the same.
        Request("/projects/?wait=0", {"name": name, "template": template}, command_id=name)
        for name in map(project_name, range(fleet.nodes))
    ]
    refusals = asyncio.run(send_all(fleet.cluster.url, requests, DEPLOYS_AT_ONCE))
    accepted_s = time.monotonic() - began
    wanted = fleet.nodes * sum(services.values())
    _until("all containers are started", lambda: len(fleet.started()) >= wanted)
    started_s = max(fleet.started().values()) - began
    _until("all projects are shown running", lambda: _running(fleet) == fleet.nodes, 1.0)
    _say(
        f"first convergence of {wanted} containers in {fleet.nodes} projects, {DEPLOYS_AT_ONCE} "
        f"deployed at once: accepted after {accepted_s:.1f} s ({refusals} refusals), "
        f"started after {started_s:.1f} s, shown running after "
        f"{time.monotonic() - began:.1f} s (limit 20 s); {_lease(fleet)}"
    )


def _until_quiet(fleet: Fleet) -> None:
    """Wait until the coordinator has done what it was asked, or is as busy as it ever gets."""
    pid = fleet.cluster.coordinator.pid
    usages = [Usage.of(pid)]

    def is_quiet() -> bool:
        usages.append(Usage.of(pid))
        return usages[-1].share_since(usages[-2]) < 0.2

    wait_until(is_quiet, 30.0, poll_s=2.0)


def _steady(fleet: Fleet, seconds: float) -> None:
    """What is used when nobody wants anything."""
    pids = {"coordinator": fleet.cluster.coordinator.pid, "nats-server": fleet.cluster.nats.pid}
    limits = {"coordinator": (10, 300), "nats-server": (15, 150)}
    before = {name: Usage.of(pid) for name, pid in pids.items()}
    nodes_before = fleet.usages()
    peaks = {name: usage.rss_mib for name, usage in before.items()}

    def sample() -> bool:
        for name, pid in pids.items():
            peaks[name] = max(peaks[name], Usage.of(pid).rss_mib)
        return False

    wait_until(sample, seconds, poll_s=0.5)
    for name, pid in pids.items():
        share = Usage.of(pid).share_since(before[name])
        cpu_limit, rss_limit = limits[name]
        _say(
            f"steady for {seconds:.0f} s, {name}: {share:.1%} of a core (limit {cpu_limit} %), "
            f"{peaks[name]:.0f} MiB (limit {rss_limit} MiB)"
        )
    shares = [b.share_since(a) for a, b in zip(nodes_before, fleet.usages(), strict=True)]
    _say(
        f"  {_lease(fleet)}; "
        f"the simulated nodes: {sum(shares):.1%} of a core in {len(shares)} processes; "
        f"load average {os.getloadavg()[0]:.2f}"
    )


def _latencies(fleet: Fleet, scale: int, seconds: float) -> None:
    """Of reads, lists and commands, all at once and at fixed rates."""

    def mutate(number: int) -> Request:
        is_up = number // fleet.nodes % 2 == 0
        body = {"type": "scale_to", "value": scale + 1 if is_up else scale}
        identity = service_id(project_name(number % fleet.nodes), TUNED)
        return Request(f"/services/{identity}/scale?wait=0", body)

    def read(number: int) -> Request:
        name = far_apart(number, fleet.nodes)
        path = f"projects/{name}" if number % 2 else f"services/{service_id(name, TUNED)}"
        return Request(f"/{path}")

    streams = (
        Stream("mutate", WRITES_PER_S, mutate),
        Stream("single read", READS_PER_S, read),
        Stream("full list", LISTS_PER_S, lambda _: Request("/projects/")),
        Stream("full list", LISTS_PER_S, lambda _: Request("/services/")),
    )
    limits_ms = {"mutate": 100, "single read": 50, "full list": 1000}
    pid = fleet.cluster.coordinator.pid
    before, stalls = Usage.of(pid), Stalls.of(fleet.cluster.url)
    _say(
        f"{WRITES_PER_S:.0f} writes/s, {READS_PER_S:.0f} reads/s and {2 * LISTS_PER_S:.0f} list/s "
        f"for {seconds:.0f} s:"
    )
    found = asyncio.run(load(fleet.cluster.url, streams, seconds))
    for kind, limit_ms in limits_ms.items():
        _say(f"  {kind}: {found.get(kind, Latencies())}, limit p99 {limit_ms:,} ms")
    share = Usage.of(pid).share_since(before)
    _say(f"  the coordinator meanwhile: {share:.1%} of a core; {_lease(fleet)}")
    _say(f"  stalls of its loop meanwhile: {Stalls.of(fleet.cluster.url).since(stalls)}")


def _lease(fleet: Fleet) -> str:
    """What the numbers beside it are worth: a standby is idle and refuses."""
    now = "active" if fleet.cluster.api.answers() else "NOT READY"
    return f"coordinator {now}, lease lost {fleet.demotions()} times (limit 0)"


def _healthy(fleet: Fleet) -> int:
    return sum(bool(host["Healthy"]) for host in fleet.cluster.api.get("/hosts/"))


def _running(fleet: Fleet) -> int:
    projects = fleet.cluster.api.get("/projects/?services=false")
    return sum(project["current_state"] == "running" for project in projects)


def _until(what: str, condition: Callable[[], bool], poll_s: float = 0.2) -> None:
    def is_so() -> bool:
        try:
            return condition()
        except ApiError:
            return False

    if not wait_until(is_so, PATIENCE_S, poll_s=poll_s):
        raise SystemExit(f"gave up waiting until {what}")


def _say(line: str) -> None:
    # At once: a run takes minutes, and somebody may be reading along.
    print(line, flush=True)


def _end(_number: int, _frame: object) -> NoReturn:
    raise SystemExit("told to stop")


if __name__ == "__main__":
    main()
