"""What one command costs the coordinator, at several sizes of the cluster.

    python -m bench.command_cost [NODES ...]        100 1000 3000

In process and without a bus: the processor's time for a scale command, for the pass that follows, for
the report of the node that carries it out, and for the view that shows it, on a settled cluster with
20 containers on each node. Commands come 20 times a second, so a twentieth of what is done once a
second (judging all nodes) is in it. Prints; the limit is a ratio of 2 between the sizes.
"""

import asyncio
import gc
import json
import logging
import sys
from time import process_time

import structlog

from coordinator.clock import Pace
from schemas.command import ScaleService
from schemas.reply import Reply
from tests.component.coordinator.world import World, creation
from tests.fakes.clock import VirtualTimeLoop

SIZES = (100, 1_000, 3_000)
SERVICES = {"worker": 6, "cache": 4, "tuned": 2, "web": 8}
COMMANDS = 100
PERIOD_S = 0.05
TEMPLATE = json.dumps(
    {
        "version": "2.2",
        "services": {
            name: {"image": "bench:1", "command": ["serve"], "scale": scale}
            for name, scale in SERVICES.items()
        },
    }
)


async def settled(nodes: int) -> World:
    """A cluster with a project for each node, all running."""
    world = World(pace=Pace())
    for index in range(1, nodes + 1):
        world.hear(index)
    await world.do_pass()
    for number in range(nodes):
        created = creation(f"c{number}", f"p{number:05}", template=TEMPLATE)
        _accepted(await world.intake.submit(created))
    await world.settle(*range(1, nodes + 1))
    # What the last writes have left to be looked at again is none of the first command's.
    await world.do_pass()
    world.views.refresh()
    gc.collect()
    gc.freeze()
    return world


async def cost_ms(nodes: int) -> float:
    """Of one command, on average."""
    world = await settled(nodes)
    spent = 0.0
    for number in range(COMMANDS):
        await asyncio.sleep(PERIOD_S)
        for name in world.store.last_heard:
            world.store.last_heard[name] = world.now()
        project = f"p{number % nodes:05}"
        world.desired.calls.clear()
        began = process_time()
        reply = await world.intake.submit(
            ScaleService(
                command_id=f"s{number}",
                service_id=f"{project}_tuned",
                type="scale_to",
                value=3 + number // nodes,
            )
        )
        await world.do_pass()
        spent += process_time() - began
        _accepted(reply)
        for name in world.desired.written():
            world.obey(int(name.removeprefix("n")))
        began = process_time()
        await world.do_pass()
        world.views.of(project)
        spent += process_time() - began
    return spent / COMMANDS * 1000


def _accepted(reply: Reply) -> None:
    if reply.outcome != "accepted":
        raise SystemExit(f"refused: {reply.reason}")


def main(sizes: list[int]) -> None:
    """Measure and print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    found = {}
    for nodes in sizes:
        loop = VirtualTimeLoop()
        found[nodes] = loop.run_until_complete(cost_ms(nodes))
        loop.close()
        print(f"{nodes:,} nodes, {nodes * 20:,} containers: {found[nodes]:.2f} ms for a command")
    print(f"largest / smallest: {max(found.values()) / min(found.values()):.2f} (limit 2)")


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or list(SIZES))
