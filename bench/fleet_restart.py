"""A fleet whose nats-server is killed: how long until everybody is back, and listens.

Kill, two seconds of nothing, and the same server again on the same port and the same store. All
times count from the moment it greets, which is when a client may first expect an answer.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from nats.js.api import StreamInfo

from bench.fleet_parts import Fleet, most_within
from bench.openloop import NO_ANSWER, Latencies, Request, answer, is_success, session
from cli.errors import ApiError
from cli.waiting import wait_until
from daemon.nats_client import Client

PAUSE_S = 2.0
#: as many as a p99 needs
CHANGES = 100
CHANGES_PER_S = 20.0
#: how often a refused change is tried again
_RETRY_S = 0.1
_HOSTS_S = 0.5
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Change:
    """A new scale for a service, and the container that only it brings."""

    service_id: str
    scale: int
    container: str


def measure_restart(fleet: Fleet, changes: list[Change]) -> Iterator[str]:
    """Kill and restart; what was seen, in lines."""
    nats = fleet.cluster.nats
    consumers = asyncio.run(_consumers(nats.url))
    killed = time.monotonic()
    nats.kill()
    time.sleep(PAUSE_S)  # noqa: TID251 - there is no event loop here to block
    launched = time.monotonic()
    nats.start()
    served = time.monotonic()
    yield f"nats-server killed, {PAUSE_S:.0f} s, again; it greets {served - launched:.1f} s later:"
    heard_s, accepted = asyncio.run(_follow(fleet, changes[:CHANGES], served))
    yield f"  all agents are back, as the coordinator sees it, after {heard_s:.1f} s (limit 6 s)"
    connections = fleet.connections(since=killed)
    yield (
        f"  agents connected after {max(connections, default=served) - served:.1f} s: "
        f"{len(connections)} connections of {fleet.nodes} nodes, "
        f"{most_within(connections, 0.1)} within 100 ms at most (limit 200)"
    )
    yield f"  the first change is accepted after {accepted[0]:.1f} s"
    yield (
        f"  changes, from due to applied by their nodes: {_applied(fleet, changes, served)} "
        "(limit p99 3,000 ms)"
    )
    now = asyncio.run(_consumers(nats.url))
    yield f"  consumers on all streams: {consumers} before, {now} after (limit: no more)"


async def _follow(fleet: Fleet, changes: list[Change], served: float) -> tuple[float, list[float]]:
    """After how many seconds all nodes have been heard, and each change was accepted."""
    async with asyncio.TaskGroup() as tasks:
        heard = tasks.create_task(_until_heard(fleet, served))
        accepted = tasks.create_task(_make_changes(fleet.cluster.url, changes, served))
    return heard.result(), accepted.result()


async def _until_heard(fleet: Fleet, served: float) -> float:
    """When the last node was heard for the first time, in seconds."""
    heard: dict[str, float] = {}
    while len(heard) < fleet.nodes and time.monotonic() - served < _PATIENCE_S:
        await asyncio.sleep(_HOSTS_S)
        asked = time.monotonic()
        try:
            hosts = await asyncio.to_thread(fleet.cluster.api.get, "/hosts/")
        except ApiError:
            continue
        for host in hosts:
            # The answer was made after it was asked for: a silence counts from then at the latest.
            at = asked - host["SilentFor"]
            if host["Healthy"] and at > served:
                heard.setdefault(host["Name"], at)
    return max(heard.values()) - served if len(heard) == fleet.nodes else float("inf")


async def _make_changes(url: str, changes: list[Change], served: float) -> list[float]:
    """Each one when it is due, until it is accepted; after how many seconds that was."""

    async def make(change: Change, due: float) -> float:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        body = {"type": "scale_to", "value": change.scale}
        request = Request(f"/services/{change.service_id}/scale?wait=0", body)
        while not is_success(await answer(client, request)):
            if time.monotonic() - due > _PATIENCE_S:
                return float("inf")
            await asyncio.sleep(_RETRY_S)
        return time.monotonic() - served

    async with session(url) as client:
        return await asyncio.gather(
            *(make(change, due) for change, due in zip(changes, _dues(served), strict=False))
        )


def _dues(served: float) -> Iterator[float]:
    number = 0
    while True:
        yield served + number / CHANGES_PER_S
        number += 1


def _applied(fleet: Fleet, changes: list[Change], served: float) -> Latencies:
    """From when each change was due until its container was started."""
    some = changes[:CHANGES]
    names = {change.container for change in some}
    wait_until(lambda: fleet.started().keys() >= names, _PATIENCE_S, poll_s=0.2)
    started = fleet.started()
    seconds = [
        started.get(change.container, float("inf")) - due
        for change, due in zip(some, _dues(served), strict=False)
    ]
    missing = len(names - started.keys())
    return Latencies(seconds, Counter({NO_ANSWER: missing} if missing else {}))


async def _consumers(url: str) -> int:
    client = Client()
    await client.connect(url)
    streams: list[StreamInfo] = await client.jetstream().streams_info()
    await client.close()
    return sum(stream.state.consumer_count for stream in streams)
