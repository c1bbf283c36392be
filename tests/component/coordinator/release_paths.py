"""Ways into every state of every kind of release, found in the table and not by hand.

`path_to` searches the table for the signals that lead to a state; `Driven` makes each of them happen
to a real coordinator, by what nodes report or by a command, and waits until the state is there.
"""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import pytest

from coordinator.errors import BusUnavailable
from coordinator.releases.groups import slot_groups
from coordinator.releases.rollouts import is_backwards
from coordinator.releases.routes import RoutedContainer, routes_of
from coordinator.releases.table import ENDS, TABLE, Signal
from schemas.desired import DesiredSlot
from schemas.release import ReleaseKind, ReleaseState
from schemas.states import State, Wanted
from tests.component.coordinator.releasing import (
    AT_REST,
    NODES,
    STEP_S,
    STEPS_MAX,
    Shop,
    confirm,
    roll_back,
    update,
)

_TEMPLATE = """
services:
  web:
    image: 'web:{image}'
    labels: {{aliyun.routing.port_80: shop.com}}
    depends_on: [db]
    deploy:
      replicas: 4
      update_config:
        {{parallelism: 2, order: {order}, monitor: 1s, failure_action: {action}}}
      rollback_config: {{parallelism: 2, monitor: 1s}}
  db: {{image: 'db:1'}}
"""
OLD, NEW = "web:1", "web:2"
#: more than any clock of these releases
REST_STEPS = 8


@dataclass(frozen=True, slots=True)
class Way:
    """How a project is updated."""

    kind: ReleaseKind
    order: str = "stop-first"

    def __str__(self) -> str:
        return f"{self.kind}-{self.order}"


WAYS = (
    Way(ReleaseKind.STANDARD),
    Way(ReleaseKind.STANDARD, "start-first"),
    Way(ReleaseKind.BLUE_GREEN),
)


class Moment(StrEnum):
    """When a coordinator dies, after a release has come to a state."""

    RECORD = "the record is written"
    SOME_DOCUMENTS = "one document is written"
    DOCUMENTS = "all documents are written"
    OBEYED = "the nodes have obeyed"


def path_to(kind: ReleaseKind, state: ReleaseState) -> tuple[Signal, ...]:
    """The fewest signals that lead there from the beginning."""
    found: dict[ReleaseState, tuple[Signal, ...]] = {ReleaseState.PULLING: ()}
    edge = deque(found)
    while edge:
        at = edge.popleft()
        for (of, before, signal), (then, _) in TABLE.items():
            if (of, before) == (kind, at) and then not in found:
                found[then] = (*found[at], signal)
                edge.append(then)
    return found[state]


def reachable(way: Way) -> list[ReleaseState]:
    states = {state for kind, state, _ in TABLE if kind is way.kind}
    return sorted(states - ENDS)


_STATES = [(way, state) for way in WAYS for state in reachable(way)]
everywhere = pytest.mark.parametrize(
    ("way", "state"), _STATES, ids=[f"{way}-{state}" for way, state in _STATES]
)


class Driven(Shop):
    """A shop whose containers, images and routers do what a signal needs."""

    def __init__(self, way: Way, state: ReleaseState) -> None:
        super().__init__()
        self.way = way
        self.state = state
        self.path = path_to(way.kind, state)
        self.is_routed = False
        self._prepare()

    def _prepare(self) -> None:
        releases = self.world.loop._releases
        releases._deadline_s = 5.0
        releases._is_routed = lambda _name: self.is_routed

    async def obey(self) -> None:
        """And some time passes."""
        await super().obey()
        await asyncio.sleep(STEP_S)

    async def succeed(self) -> None:
        await super().succeed()
        self._prepare()

    def template(self, image: int) -> str:
        action = "rollback" if Signal.FAILED_BACK in self.path else "pause"
        return _TEMPLATE.format(image=image, order=self.way.order, action=action)

    async def drive(self, moment: Moment = Moment.RECORD) -> None:
        """Go the whole way to the state, and on to this moment."""
        await self.start(self.template(1))
        self._conditions(is_pulling=True)
        await self.say(update(self.template(2), update_method=self.way.kind.value))
        for signal in self.path:
            before = self.release.state
            await self._make(signal)
            await self._passes_after(before)
            then, _ = TABLE[self.way.kind, before, signal]
            assert self.release.state is then, (signal, self.release)
        await self._go_to(moment)
        assert self.release.state is self.state

    async def _passes_after(self, state: ReleaseState) -> None:
        """Go on until it is in another state; what follows from that is in no document yet."""
        for _ in range(STEPS_MAX):
            if self.release.state is not state:
                return
            await self.world.do_pass()
            if self.release.state is not state:
                return
            await self.obey()
        raise AssertionError(self.record.release)

    async def _go_to(self, moment: Moment) -> None:
        if moment is Moment.SOME_DOCUMENTS:
            self.world.desired.lose("put", happened=True)
            with contextlib.suppress(BusUnavailable):
                await self.world.do_pass()
            self.world.desired.find_again("put")
        elif moment is not Moment.RECORD:
            await self.world.do_pass()
        if moment is Moment.OBEYED:
            await self.obey()

    async def _make(self, signal: Signal) -> None:
        self._conditions()
        match signal:
            case Signal.PULL_FAILED:
                self.missing = {NEW}
            case Signal.FAILED | Signal.FAILED_BACK:
                self.sick = {OLD if is_backwards(self.release) else NEW}
            case Signal.CONFIRM | Signal.CONFIRMED_UP:
                await self.say(confirm())
            case Signal.ROLLBACK:
                await self.say(roll_back())
            case Signal.ROUTED:
                self.is_routed = True

    def _conditions(self, *, is_pulling: bool = False, is_routed: bool = False) -> None:
        self.sick, self.missing = set(), set()
        self.is_pulling, self.is_routed = is_pulling, is_routed

    def heal(self) -> None:
        """Everything works from now on."""
        self._conditions(is_routed=True)

    async def come_to_rest(self) -> None:
        """Go on until the release has ended, or stays where it is, and check every step."""
        unchanged = 0
        for _ in range(STEPS_MAX):
            before = self.record
            await self.step()
            self.check()
            unchanged = unchanged + 1 if self.record == before else 0
            if unchanged > REST_STEPS:
                assert self.record.release is None or self.release.state in AT_REST
                return
        raise AssertionError(self.record.release)

    async def complete(self) -> None:
        """Let everything work, and confirm it where it waits for that."""
        self.heal()
        await self.come_to_rest()
        if self.record.release is not None:
            await self.say(confirm(command_id="last"))
            await self.come_to_rest()

    def check(self) -> None:
        """What is true at every moment."""
        running = [entry.key for entry in self.entries() if entry.wanted is Wanted.RUNNING]
        assert len(running) == len(set(running)), "a slot is on two nodes"
        held = [group for group in slot_groups(self.record) if group.is_held]
        assert not any(slot in running for group in held for slot in group.slots())
        shares = self.shares()
        if self.record.release and self.way.kind is ReleaseKind.BLUE_GREEN and any(shares.values()):
            assert sum(map(bool, shares.values())) == 1, "traffic goes to one colour"

    def check_end(self) -> None:
        """One set is there, all of it and nothing else, and it has all the traffic."""
        assert self.record.release is None
        assert self.world.view().current_state is State.RUNNING
        wanted = {slot for group in slot_groups(self.record) for slot in group.slots()}
        assert {entry.key for entry in self.entries()} == wanted
        assert self.healthy().keys() == set(map(str, wanted))
        assert self.shares().keys() == ({self.record.version} if self.versions()[-1] else set())
        assert all(self.shares().values())
        assert self.record.weights.get("web", {}).get(self.record.version, 100)

    def entries(self) -> list[DesiredSlot]:
        documents = (self.world.document(index) for index in NODES)
        return [entry for each in documents if each for entry in each.slots]

    def shares(self) -> dict[str, int]:
        """Version -> its part of the traffic, of those that routers are told of."""
        containers = (
            RoutedContainer(
                *(one.id, one.service, one.set_name, one.slot, one.version, node, node, "10.1.0.1"),
                ports={},
                is_healthy=one.status == "running",
            )
            for node, report in self.world.store.reports.items()
            for one in report.containers
        )
        document = routes_of(self.record, slot_groups(self.record), containers, generation=1)
        found: dict[str, int] = {}
        for backend in document.routes[0].backends if document else ():
            found[backend.version] = found.get(backend.version, 0) + backend.weight
        return found
