"""Whatever happens in whatever order: what must hold, and where it must end."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from mountd.domain.outcomes import (
    Answered,
    Dead,
    Failed,
    Found,
    Mounted,
    Operation,
    Outcome,
    Silent,
    Unmounted,
)
from mountd.domain.plan import Step, fingerprint, noticed, ordered, plan
from mountd.domain.track import Pace, Track, Wish, begun, ended
from schemas.states import MountState
from tests.unit.mountd.builders import a_nas, a_wish

NAMES = ("films", "media", "photos")
STEP_S = 7.0

words = st.sampled_from(["running", "absent", "unmentioned", "moved"])
happenings = st.one_of(
    st.tuples(st.just("orders"), st.fixed_dictionaries(dict.fromkeys(NAMES, words))),
    st.tuples(
        st.sampled_from(["kill", "snatch", "freeze", "thaw", "deny"]), st.sampled_from(NAMES)
    ),
    st.tuples(st.just("wait"), st.none()),
)


@dataclass
class World:
    """Servers and a kernel's table, as simple as can be, and mountd's tracks."""

    now: float = 0.0
    tracks: dict[str, Track] = field(default_factory=dict)
    table: dict[str, Found] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    made: int = 0

    def order(self, asked: dict[str, str]) -> None:
        wishes = {name: _wish(name, word) for name, word in asked.items() if word != "unmentioned"}
        self.tracks = ordered(self.tracks, wishes, self.now)

    def happen(self, what: str, name: str) -> None:
        path = f"nas/{name}"
        if what == "kill" and path in self.table:
            self.dead.add(path)
        elif what == "snatch":
            self.table.pop(path, None)
        elif what == "freeze":
            self.frozen.add(path)
        elif what == "thaw":
            self.frozen.discard(path)
        elif what == "deny":
            self.denied.add(path)

    def turn(self) -> list[Step]:
        """One pass, with everything that it begins carried out."""
        self.now += STEP_S
        self.tracks = noticed(self.tracks, self.table, self.now)
        steps = list(plan(self.tracks, self.now))
        for step in steps:
            name = step.track.name
            _check(step, self.table)
            self.tracks[name] = begun(self.tracks[name], step.operation, self.now)
            outcome = self._do(step)
            self.tracks[name] = ended(self.tracks[name], outcome, self.now, Pace())
        return steps

    def _do(self, step: Step) -> Outcome:
        path = step.track.mount_path
        if step.operation is Operation.MOUNT:
            wish = step.track.wish
            assert wish is not None
            if path in self.frozen | self.denied:
                return Failed("not now")
            self.made += 1
            found = Found(step.track.name, path, f"m{self.made}", fingerprint(wish))
            self.table[path] = found
            self.dead.discard(path)
            return Mounted(found.incarnation, found.made_for)
        if step.operation is Operation.UNMOUNT:
            if path in self.frozen and not step.is_forced:
                return Failed("it waits for its server")
            self.table.pop(path, None)
            return Unmounted()
        if path not in self.table or path in self.dead:
            return Dead("gone")
        return Silent("nothing heard") if path in self.frozen else Answered()


def _wish(name: str, word: str) -> Wish:
    volume = a_nas(name, host="second.example" if word == "moved" else "first.example")
    return a_wish(volume, absent=word == "absent")


def _check(step: Step, table: dict[str, Found]) -> None:
    """What no step may ever do."""
    wish = step.track.wish
    if step.operation is Operation.MOUNT:
        assert wish is not None
        assert not wish.is_absent
        assert step.track.mount_path not in table
    if step.operation is Operation.UNMOUNT:
        # A volume that the orders don't mention keeps its mount, and one that serves what is
        # wished keeps it as well.
        assert wish is not None
        found = table.get(step.track.mount_path)
        serves = found is not None and found.made_for == fingerprint(wish)
        assert wish.is_absent or step.track.is_dead or not serves


@given(st.lists(happenings, max_size=25), st.fixed_dictionaries(dict.fromkeys(NAMES, words)))
def test_in_a_world_that_calms_down_every_order_is_carried_out(
    story: list[tuple[str, object]], last: dict[str, str]
) -> None:
    world = World()
    for what, about in story:
        if what == "orders":
            assert isinstance(about, dict)
            world.order(about)
        elif isinstance(about, str):
            world.happen(what, about)
        world.turn()
    untouched = {
        path: found
        for path, found in world.table.items()
        if last[path.removeprefix("nas/")] == "unmentioned"
    }
    world.frozen.clear()
    world.denied.clear()
    for _ in range(40):
        world.order(last)
        world.turn()
    for name, word in last.items():
        track, path = world.tracks.get(name), f"nas/{name}"
        if word == "absent":
            assert path not in world.table
        elif word == "unmentioned":
            assert world.table.get(path) == untouched.get(path)
        else:
            assert track is not None
            assert track.state is MountState.MOUNTED
            assert world.table[path].made_for == fingerprint(_wish(name, word))
    assert [step for step in world.turn() if step.operation is not Operation.PROBE] == []


@given(st.lists(happenings, max_size=15))
def test_the_same_is_planned_from_the_same(story: list[tuple[str, object]]) -> None:
    world = World()
    for what, about in story:
        if what == "orders":
            assert isinstance(about, dict)
            world.order(about)
        elif isinstance(about, str):
            world.happen(what, about)
        backwards = dict(reversed(world.tracks.items()))
        assert plan(world.tracks, world.now) == plan(backwards, world.now)
        world.turn()
