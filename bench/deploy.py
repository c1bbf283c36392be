"""How long things take on real engines, beside the engine's own time in the same run.

    python -m bench.deploy          (as root; starts two engines in network namespaces)

Prints, never fails. E is the raw engine through its API with as many calls at once as the agent
makes.
"""

import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from cli.cluster import Cluster
from cli.errors import ApiError
from cli.image import busybox_root
from cli.machines import Machine, Machines
from cli.waiting import wait_until

IMAGE = "troopers-bench/busybox:1"
ENGINES = 2
CONTAINERS = 60
ROUNDS = 5
#: two starts per core, as the agent does; both engines share this machine's two cores
AT_ONCE = 4
PATIENCE_S = 300.0


def main() -> None:
    """Measure and print."""
    with Machines.create(Path(tempfile.mkdtemp()) / "bench", ENGINES) as machines:
        machines.import_image(IMAGE, busybox_root())
        with machines.cluster() as cluster:
            _ready(cluster)
            one, engine_one = _singles(cluster, machines)
            print(f"one container, POST to running: {one:.3f} s, {one / engine_one:.2f} x E")
            seen, back = _killed(cluster, machines)
            print(f"docker kill until shown: {seen:.3f} s; until repaired: {back:.3f} s")
            print(f"change right after a bus restart, until applied: {_bus_restart(cluster):.3f} s")
            many = _many(cluster)
            cluster.api.delete("/projects/many?force=true&wait=120")
            engine_many = _raw(machines, CONTAINERS)
            print(
                f"{CONTAINERS} containers on {ENGINES} engines: {many:.2f} s, "
                f"{many / engine_many:.2f} x E ({engine_many:.2f} s)"
            )


def _ready(cluster: Cluster[Machine]) -> None:
    def all_healthy() -> bool:
        return bool(sum(host["Healthy"] for host in cluster.api.get("/hosts/")) == ENGINES)

    _until(all_healthy)


def _singles(cluster: Cluster[Machine], machines: Machines) -> tuple[float, float]:
    """Medians of one container through Troopers and through the engine, in turn."""
    ours, raw = [], []
    for number in range(ROUNDS):
        began = time.monotonic()
        _create(cluster, f"one-{number}", 1)
        _until(lambda name=f"one-{number}": _state(cluster, name) == "running")  # type: ignore[misc]
        ours.append(time.monotonic() - began)
        raw.append(_raw(machines, 1))
    return median(ours), median(raw)


def _killed(cluster: Cluster[Machine], machines: Machines) -> tuple[float, float]:
    """Medians from the return of `docker kill` until the API shows it, and until it runs again."""
    seen, back = [], []
    for number in range(ROUNDS):
        path = f"/services/one-{number}_web"
        ((identity, shown),) = cluster.api.get(path)["containers"].items()
        machine = next(m for m in machines if m.name == shown["node_name"])
        with machine.engine.client() as client:
            started = client.api.inspect_container(identity)["State"]["StartedAt"]
            client.api.kill(identity)
            began = time.monotonic()
            _until(lambda path=path: cluster.api.get(path)["current_state"] != "running", 0.002)  # type: ignore[misc]
            seen.append(time.monotonic() - began)
            _until(
                lambda c=client, i=identity, s=started: (  # type: ignore[misc]
                    c.api.inspect_container(i)["State"]["Running"]
                    and c.api.inspect_container(i)["State"]["StartedAt"] != s
                ),
                0.01,
            )
            back.append(time.monotonic() - began)
    return median(seen), median(back)


def _bus_restart(cluster: Cluster[Machine]) -> float:
    """From the moment the killed nats-server serves again until a change is carried out."""
    cluster.nats.kill()
    cluster.nats.start()
    began = time.monotonic()
    body = {"type": "scale_to", "value": 2}
    _until(lambda: _accepted(cluster, "/services/one-0_web/scale?wait=30", body), 0.05)
    return time.monotonic() - began


def _accepted(cluster: Cluster[Machine], path: str, body: dict[str, object]) -> bool:
    try:
        cluster.api.post(path, body)
    except ApiError:
        return False
    return True


def _many(cluster: Cluster[Machine]) -> float:
    began = time.monotonic()
    _create(cluster, "many", CONTAINERS)
    _until(lambda: _state(cluster, "many") == "running", 0.05)
    return time.monotonic() - began


def _raw(machines: Machines, count: int) -> float:
    """Seconds that the engines alone need to create and start as many containers."""

    def run(number: int) -> None:
        with machines[number % len(machines)].engine.client() as client:
            client.containers.run(IMAGE, ["sleep", "1000"], detach=True, labels={"bench": "raw"})

    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(run, range(count)))
    took = time.monotonic() - began
    for machine in machines:
        with machine.engine.client() as client:
            for container in client.containers.list(all=True, filters={"label": "bench=raw"}):
                container.remove(force=True)
    return took


def _create(cluster: Cluster[Machine], name: str, scale: int) -> None:
    service = {"image": IMAGE, "command": ["sleep", "1000"], "scale": scale}
    template = json.dumps({"version": "2.2", "services": {"web": service}})
    cluster.api.post("/projects/", {"name": name, "template": template})


def _state(cluster: Cluster[Machine], name: str) -> str:
    return str(cluster.api.get(f"/projects/{name}?services=false")["current_state"])


def _until(condition: Callable[[], bool], poll_s: float = 0.01) -> None:
    if not wait_until(condition, PATIENCE_S, poll_s=poll_s):
        raise SystemExit("gave up waiting")


if __name__ == "__main__":
    main()
