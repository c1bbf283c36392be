"""How fast `schedule` places: 20,000 containers on 1,000 nodes, with CPUs, memory, spread, affinity.

Run: `python -m bench.schedule [NODES [CONTAINERS]]`. Prints numbers and judges nothing.
Times are of the processor, so that whatever else the machine does counts less.

    at once   everything is new; each decile is the time that a tenth more of the projects costs
    growing   ten runs, each adds a tenth and is given the placements before, as in a live cluster;
              the later ones also carry the cost of what stays
    idle      a run with nothing to place
"""

import gc
import sys
from collections.abc import Mapping
from itertools import pairwise
from operator import itemgetter
from time import process_time

from coordinator.placement.schedule import NodeView, schedule
from coordinator.store.placements import Placement
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.release import ServiceRecord
from schemas.service import ServiceSpec
from schemas.template import Expression, PlacementPolicy, ServiceTemplate

_TIME = "2024-01-01T00:00:00Z"
_MIB = 1024 * 1024
#: containers of one project: see `_project`
_PROJECT_SIZE = 20


def _nodes(count: int) -> list[NodeView]:
    return [
        NodeView(
            name=f"n{i}",
            index=i,
            zone=f"z{i % 3}",
            labels={"group": str(i % 4)},
            cpus=16.0,
            memory_bytes=32 * 1024 * _MIB,
        )
        for i in range(1, count + 1)
    ]


def _service(name: str, scale: int, placement: PlacementPolicy, cpus: float) -> ServiceRecord:
    spec = ServiceSpec(image=f"{name}:1", cpus=cpus, mem_limit_bytes=256 * _MIB)
    template = ServiceTemplate(name=name, spec=spec, scale=scale, placement=placement)
    return ServiceRecord(template=template, scale=scale, created=_TIME, updated=_TIME)


def _project(number: int) -> ProjectRecord:
    """20 containers: 8 spread over zones, 6 away from those, 4 near to those, 2 in one group."""
    away = Expression(kind="affinity", key="service", negated=True, value="web", soft=True)
    near = Expression(kind="affinity", key="service", value="web")
    group = Expression(kind="constraint", key="group", value=str(number % 4))
    services = (
        _service("web", 8, PlacementPolicy(zones_min=2), 0.25),
        _service("worker", 6, PlacementPolicy(expressions=(away,)), 0.5),
        _service("cache", 4, PlacementPolicy(expressions=(near,)), 0.25),
        _service("db", 2, PlacementPolicy(expressions=(group,)), 1.0),
    )
    return ProjectRecord(
        name=f"p{number:05}",
        version="1.0",
        created=_TIME,
        updated=_TIME,
        services={each.template.name: each for each in services},
    )


def _timed(
    projects: list[ProjectRecord], nodes: list[NodeView], previous: Mapping[SlotKey, str]
) -> tuple[float, Placement]:
    # As `timeit` does: a collection that falls into one decile would be counted against it.
    gc.collect()
    gc.disable()
    started = process_time()
    placement = schedule(projects, nodes, previous)
    elapsed = process_time() - started
    gc.enable()
    return elapsed, placement


def _line(title: str, counts: list[int], seconds: list[float]) -> str:
    rates = [count / each for count, each in zip(counts, seconds, strict=True)]
    return (
        f"{title}: {sum(counts) / sum(seconds):,.0f} placements/s, "
        f"last decile / first: {rates[-1] / rates[0]:.2f} "
        f"({', '.join(f'{rate:,.0f}' for rate in rates)})"
    )


def main(node_count: int = 1_000, containers: int = 20_000) -> None:
    """Run and print."""
    nodes = _nodes(node_count)
    projects = [_project(number) for number in range(containers // _PROJECT_SIZE)]
    tenths = [projects[: len(projects) * tenth // 10] for tenth in range(1, 11)]
    # The best of three: the difference of two long times has the noise of both.
    best = [min((_timed(t, nodes, {}) for _ in range(3)), key=itemgetter(0)) for t in tenths]
    at_once = [(0.0, Placement()), *best]
    growing = [(0.0, Placement())]
    for tenth in tenths:
        growing.append(_timed(tenth, nodes, growing[-1][1].assigned))
    lines = (
        f"{node_count} nodes, {len(at_once[-1][1].assigned)} of {containers} containers placed",
        _line("at once", _steps(at_once), [b[0] - a[0] for a, b in pairwise(at_once)]),
        _line("growing", _steps(growing), [seconds for seconds, _ in growing[1:]]),
        f"idle: {_timed(projects, nodes, at_once[-1][1].assigned)[0]:.2f} s",
    )
    sys.stdout.write("\n".join(lines) + "\n")


def _steps(runs: list[tuple[float, Placement]]) -> list[int]:
    return [len(b.assigned) - len(a.assigned) for (_, a), (_, b) in pairwise(runs)]


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
