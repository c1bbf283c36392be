"""`EngineWatch`: what happens on the engines, in the order in which it happened.

It reads the engines' own events, and nothing that Troopers says. All engines run on one machine, so
their times can be compared.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.e2e.world import World

_EVENTS = ["create", "start", "kill", "die", "destroy", "health_status", "pull"]


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of an engine."""

    at_ns: int
    node: str
    #: `health_status: healthy` has its second word
    action: str
    #: a container's id, an image's name
    about: str
    #: a container's name
    name: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """Containers at one moment."""

    #: their processes run
    running: int
    #: of those, they can serve: nobody has told them to end, and no check is open or has failed
    serving: int


class EngineWatch:
    """Notes what happens to a project's containers, and to images, while its block runs."""

    def __init__(self, world: World, project: str, *, has_check: bool = False) -> None:
        self._world = world
        self._project = project
        #: whether containers serve only once their HEALTHCHECK has passed
        self._has_check = has_check
        self._running = ExitStack()
        self._noted: list[Happening] = []
        self._at_first: set[str] = set()
        self._since_ns = 0

    def __enter__(self) -> Self:
        self._since_ns = time.time_ns()
        self._at_first = set(self._world.running(self._project))
        with ExitStack() as starting:
            for node in self._world.cluster.nodes:
                self._follow(starting, node.name, node.engine)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()

    @property
    def happened(self) -> list[Happening]:
        """So far, in order."""
        noted = [each for each in self._noted if each.at_ns >= self._since_ns]
        return sorted(noted, key=lambda each: each.at_ns)

    def of(self, *actions: str) -> list[Happening]:
        return [each for each in self.happened if each.action in actions]

    def counts(self) -> list[Count]:
        """After each event, and before the first one."""
        return [Count(len(running), len(serving)) for running, serving in self._replayed()]

    def wait_until_noted(self) -> None:
        """Wait until the events have led to what the engines show now."""

        def is_noted() -> bool:
            *_, (running, _serving) = self._replayed()
            return running == set(self._world.running(self._project))

        self._world.wait_for(is_noted, "every event is noted")

    def _replayed(self) -> Iterator[tuple[set[str], set[str]]]:
        """Which containers ran, and which of them could serve, after each event."""
        running, serving = set(self._at_first), set(self._at_first)
        yield set(running), set(serving)
        for each in self.happened:
            match each.action:
                case "start":
                    running.add(each.about)
                    if not self._has_check:
                        serving.add(each.about)
                case "healthy":
                    serving.add(each.about)
                case "kill" | "unhealthy":
                    serving.discard(each.about)
                case "die":
                    running.discard(each.about)
                    serving.discard(each.about)
                case _:
                    continue
            yield set(running), running & serving

    def _follow(self, starting: ExitStack, node: str, engine: Any) -> None:
        client = starting.enter_context(engine.client())
        # What happens before the engine follows us comes from its own memory.
        stream = client.api.events(since=int(time.time()), decode=True, filters={"event": _EVENTS})
        thread = threading.Thread(target=self._read, args=(node, stream), name=f"events of {node}")
        thread.start()
        starting.callback(thread.join)
        starting.callback(stream.close)

    def _read(self, node: str, stream: Any) -> None:
        for event in stream:
            actor = event["Actor"]
            attributes = actor.get("Attributes") or {}
            if event["Type"] == "image":
                self._noted.append(Happening(event["timeNano"], node, event["Action"], actor["ID"]))
            elif attributes.get("troopers.project") == self._project:
                action = event["Action"].removeprefix("health_status: ")
                noted = Happening(
                    event["timeNano"], node, action, actor["ID"], attributes.get("name", "")
                )
                self._noted.append(noted)
