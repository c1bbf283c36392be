"""Some of the fleet's nodes in one process: real agents and their real bus, engines in memory.

    python -m bench.fleet_nodes NATS_URL JOURNAL FIRST COUNT

Writes: the journal, one line for each connection made and each container started, with the
machine's monotonic time, which all processes share.
"""

import asyncio
import gc
import sys
import time
from pathlib import Path
from typing import TextIO

import uvloop

from agent.adapters.bus import NatsBus
from agent.adapters.no_mountd import NoMountd
from agent.app import Agent, World
from agent.domain.status import Identity
from daemon.logs import configure
from schemas.volume import BASE_DIRECTORY
from tests.fakes.engine import FakeEngine
from tests.fakes.ledger import FakeLedger
from tests.fakes.probe import FakeProbe

IMAGE = "bench:1"
#: the journal's words
CONNECTED = "connected"
STARTED = "started"
#: how soon a lost link is noticed: well below the time that a link needs to come back
_LOOK_S = 0.05


class Journal:
    """What happened, and when."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def note(self, what: str, who: str) -> None:
        self._file.write(f"{what} {who} {time.monotonic():.4f}\n")

    def flush(self) -> None:
        self._file.flush()


class JournalingEngine(FakeEngine):
    """Starts containers at once, and writes down when."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(images=(IMAGE,))
        self._journal = journal

    async def start(self, container_id: str) -> None:
        await super().start(container_id)
        self._journal.note(STARTED, self.boxes[container_id].name)
        # A test reads its calls; here they would only pile up.
        self.calls.clear()


class LinkWatch:
    """Writes down every connection of one bus."""

    def __init__(self, node: str, bus: NatsBus, journal: Journal) -> None:
        self._node = node
        self._bus = bus
        self._journal = journal
        self._was_up = False
        bus.on_hint(self._hear)

    def _hear(self) -> None:
        """A hint, or a link that has just come up."""
        if not self._was_up:
            self._was_up = True
            self._journal.note(CONNECTED, self._node)

    def look(self) -> None:
        self._was_up = self._was_up and self._bus.is_connected


async def live(url: str, journal: Journal, names: list[str]) -> None:
    """Be these nodes for ever."""
    watches = []
    async with asyncio.TaskGroup() as tasks:
        for name in names:
            bus = NatsBus(url, name)
            engine = JournalingEngine(journal)
            world = World(
                engine=engine,
                events=engine,
                probe=FakeProbe(),
                bus=bus,
                ledger=FakeLedger(),
                mounts=NoMountd(BASE_DIRECTORY),
                mount_base=BASE_DIRECTORY,
                clock=time.time,
            )
            identity = Identity(name, f"boot-{name}", "0.1.0", "127.0.0.1")
            agent = Agent(identity, world, tasks)
            watches.append(LinkWatch(name, bus, journal))
            agent.keep("bus", bus.run())
            agent.start()
        while True:
            for watch in watches:
                watch.look()
            journal.flush()
            await asyncio.sleep(_LOOK_S)


def node_name(number: int) -> str:
    return f"n{number:04}"


def main(url: str, path: str, first: str, count: str) -> None:
    """Run until killed."""
    configure("error")
    # A real agent is one node's, and its garbage is searched for in a moment. Of hundreds in one
    # process that would be counted against the cluster.
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
    names = [node_name(int(first) + offset) for offset in range(int(count))]
    with Path(path).open("w") as file:
        uvloop.run(live(url, Journal(file), names))


if __name__ == "__main__":
    main(*sys.argv[1:5])
