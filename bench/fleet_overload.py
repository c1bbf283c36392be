"""A fleet under twice the load that it is made for: what is refused, and whether a promise is broken."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from functools import partial

from bench.fleet_parts import Fleet
from bench.loop_stalls import Stalls
from bench.openloop import Latencies, Request, Stream, is_success, send_streams
from bench.usage import Usage
from cli.waiting import wait_until
from schemas.names import service_id

WRITES_PER_S = 40.0
READS_PER_S = 200.0
LISTS_PER_S = 2.0
#: busy with others of its kind, or late: asking again is what it asks for
REFUSALS = {429, 503}
#: what was accepted is carried out within this, or it is lost
_PATIENCE_S = 60.0


def project_name(number: int) -> str:
    return f"p{number:04}"


def far_apart(number: int, nodes: int) -> str:
    """A project: a prime apart, so that neighbours in time are no neighbours in the fleet."""
    return project_name(number * 7919 % nodes)


def measure_overload(fleet: Fleet, service: str, scale: int, seconds: float) -> Iterator[str]:
    """Load, and count; what was seen, in lines."""
    url, pid = fleet.cluster.url, fleet.cluster.coordinator.pid
    before, stalls = Usage.of(pid), Stalls.of(url)
    yield (
        f"twice the load, {WRITES_PER_S:.0f} writes/s, {READS_PER_S:.0f} reads/s and "
        f"{LISTS_PER_S:.0f} lists/s for {seconds:.0f} s:"
    )
    found, refusals, accepted = asyncio.run(_load(fleet, service, scale, seconds))
    for kind, latencies in found.items():
        yield f"  {kind}: {latencies}"
    yield f"  refusals (429, 503): {refusals}, limit p99 100 ms"
    lost = _lost(fleet, accepted)
    yield f"  of {len(accepted)} services whose change was accepted, {lost} lost it (limit 0)"
    share = Usage.of(pid).share_since(before)
    yield (
        f"  the coordinator meanwhile: {share:.1%} of a core, lease lost {fleet.demotions()} times "
        f"(limit 0); stalls {Stalls.of(url).since(stalls)}"
    )


async def _load(
    fleet: Fleet, service: str, scale: int, seconds: float
) -> tuple[dict[str, Latencies], Latencies, dict[str, int]]:
    """By kind, those that were answered otherwise than refused; the refusals; what was accepted."""
    found = {kind: Latencies() for kind in ("mutate", "single read", "full list")}
    refusals = Latencies(failed=Counter())
    accepted: dict[str, int] = {}

    def note(kind: str, request: Request, status: int, took_s: float) -> None:
        if status in REFUSALS:
            refusals.seconds.append(took_s)
            return
        found[kind].seconds.append(took_s)
        if not is_success(status):
            found[kind].failed[status] += 1
        elif request.body is not None:
            accepted[request.path.split("/")[2]] = int(str(request.body["value"]))

    rates = {"mutate": WRITES_PER_S, "single read": READS_PER_S, "full list": LISTS_PER_S}
    streams = [
        Stream(kind, per_s, partial(_request, kind, fleet.nodes, service, scale))
        for kind, per_s in rates.items()
    ]
    await send_streams(fleet.cluster.url, streams, seconds, note)
    return found, refusals, accepted


def _request(kind: str, nodes: int, service: str, scale: int, number: int) -> Request:
    """The one with this number."""
    if kind == "mutate":
        identity = service_id(project_name(number % nodes), service)
        body = {"type": "scale_to", "value": scale + (number // nodes + 1) % 2}
        return Request(f"/services/{identity}/scale?wait=0", body)
    if kind == "single read":
        return Request(f"/projects/{far_apart(number, nodes)}")
    return Request("/projects/" if number % 2 else "/services/")


def _lost(fleet: Fleet, accepted: dict[str, int]) -> int:
    """How many services have not what was accepted for them, or don't get it."""

    def missing() -> list[str]:
        services = {
            each["id"]: each for each in fleet.cluster.api.get("/services/?containers=false")
        }
        return [
            identity
            for identity, value in accepted.items()
            if services[identity]["extensions"]["scale"] != value
            or services[identity]["current_state"] != "running"
        ]

    wait_until(lambda: not missing(), _PATIENCE_S, poll_s=1.0)
    return len(missing())
