"""Whoever dies while a project is released: it goes on, or rests, and one set is left in the end."""

import contextlib
from functools import partial
from itertools import cycle
from typing import Any

import pytest

from coordinator.failpoints import FAIL_VARIABLE
from coordinator.releases.table import ENDS, TABLE, states_of
from schemas.release import ReleaseKind, ReleaseState
from tests.e2e.bus_keys import kept
from tests.e2e.release_faults import faults_of
from tests.e2e.release_scenarios import HELD, SCENARIOS, Stage
from tests.e2e.releasing import Shop, state_of, template

KINDS = sorted({kind for kind, _, _ in TABLE})


def test_there_is_a_scenario_for_each_state_of_each_kind() -> None:
    assert set(SCENARIOS) == {(kind, state) for kind in KINDS for state in states_of(kind)}


class Cases:
    """All states of one kind at once, each a project of its own."""

    def __init__(self, stage: Stage, kind: ReleaseKind) -> None:
        self.stage = stage
        self.shops = {
            case: Shop(
                stage.world,
                f"{'std' if kind is ReleaseKind.STANDARD else 'bg'}-{case[1]}".replace("_", "-"),
            )
            for case in SCENARIOS
            if case[0] is kind
        }

    def create(self) -> None:
        world = self.stage.world
        for case, shop in self.shops.items():
            scenario = SCENARIOS[case]
            shop.ask_create(scenario.services(shop.name, 1), **scenario.volumes())
        for shop in self.shops.values():
            world.wait_for(partial(self._is_up, shop), f"{shop.name} runs")

    def _is_up(self, shop: Shop) -> bool:
        self.stage.relieve(shop)
        return bool(shop.shown["current_state"] == "running")

    def drive(self) -> None:
        # While registries are held, nothing else can be pulled.
        first = [each for each in self.shops.items() if each[0][1] is not ReleaseState.PULLING]
        for cases in (first, self.shops.items() - first):
            for case, shop in cases:
                SCENARIOS[case].begin(self.stage, shop)
            for case, shop in cases:
                shop.wait_for_release(case[1])

    def states(self) -> dict[str, str]:
        return {shop.name: shop.state for shop in self.shops.values()}

    def let_go(self) -> None:
        """End every hold, and wait until each release has ended or waits for somebody."""
        self.stage.let_pulls_go()
        for case, shop in self.shops.items():
            SCENARIOS[case].let_go(self.stage, shop)
        for case, shop in self.shops.items():
            until = SCENARIOS[case].rests or SCENARIOS[case].end
            is_held = HELD in (SCENARIOS[case].old, SCENARIOS[case].new)

            def is_there(shop: Shop = shop, until: str = until, is_held: bool = is_held) -> bool:
                if is_held:
                    self.stage.relieve(shop)
                return shop.state == until

            self.stage.world.wait_for(is_there, f"{shop.name} is {until}")

    def decide(self) -> None:
        for case, shop in self.shops.items():
            SCENARIOS[case].decide(self.stage, shop)

    def end(self) -> dict[str, dict[str, Any]]:
        """What isn't as it has to be, by project."""
        found = {shop.name: faults_of(shop, case) for case, shop in self.shops.items()}
        return {name: faults for name, faults in found.items() if faults}


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", KINDS)
def test_a_coordinator_that_is_killed_in_any_state_is_followed_by_one_that_ends_it(
    stage: Stage, kind: ReleaseKind
) -> None:
    cases = Cases(stage, kind)
    cases.create()
    cases.drive()
    coordinator = stage.world.cluster.coordinator
    # Those that were driven first haven't gone on meanwhile.
    before = {shop.name: str(state) for (_, state), shop in cases.shops.items()}
    assert cases.states() == before
    coordinator.kill()
    coordinator.start()
    stage.world.wait_for_nodes(3)
    assert cases.states() == before
    cases.let_go()
    cases.decide()
    assert cases.end() == {}


class Mortal:
    """Coordinators that die at the next step of a release: in turn before it is written, and after."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._coordinator = shop.world.cluster.coordinator
        self._points = cycle(["before_release_put", "after_release_put"])
        #: at which point each one died, and how far the release was then
        self.deaths: list[tuple[str, str]] = []

    def start(self) -> None:
        self._coordinator.environment[FAIL_VARIABLE] = next(self._points)
        self._coordinator.stop()
        # It may be dead before it is ready.
        self._coordinator.launch()

    def end(self) -> None:
        """The next one is no mortal."""
        self._coordinator.stop()
        del self._coordinator.environment[FAIL_VARIABLE]

    def ask(self, verb: str, body: Any = None) -> None:
        """Have a command accepted: a step comes after it is written, whatever becomes of the answer."""
        self._coordinator.wait_ready()
        with contextlib.suppress(OSError):
            answer = self._shop.world.http("POST", f"/projects/{self._shop.name}/{verb}", body)
            assert answer.status == 202, answer

    def until(self, state: ReleaseState) -> None:
        """Let them die until the release is in this state, and nothing more is to be written."""
        while True:
            self._shop.world.wait_for(
                lambda: not self._coordinator.is_alive or self._rests_in(state),
                f"the coordinator is dead, or the release is {state}",
            )
            if self._coordinator.is_alive:
                return
            self.deaths.append((self._point, self.state))
            if self.state == state and state in ENDS:
                return
            self.start()

    @property
    def _point(self) -> str:
        return self._coordinator.environment[FAIL_VARIABLE]

    def _rests_in(self, state: ReleaseState) -> bool:
        """Whoever has written the last step is alive for another moment, and is none to be asked."""
        return self._point == "before_release_put" and self.state == state

    @property
    def state(self) -> str:
        """As the record says, which needs no coordinator."""
        return state_of(kept(self._shop.world, "projects")[self._shop.name])


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("kind", "end", "steps"),
    [
        (ReleaseKind.STANDARD, ReleaseState.COMPLETED, 3),
        (ReleaseKind.STANDARD, ReleaseState.ROLLED_BACK, 3),
        (ReleaseKind.BLUE_GREEN, ReleaseState.COMPLETED, 3),
        (ReleaseKind.BLUE_GREEN, ReleaseState.ROLLED_BACK, 3),
    ],
)
def test_coordinators_that_die_before_and_after_every_step_end_it_together(
    stage: Stage, kind: ReleaseKind, end: ReleaseState, steps: int
) -> None:
    world, scenario = stage.world, SCENARIOS[kind, end]
    shop = Shop(world)
    shop.create(scenario.services("shop", 1))
    update = {
        "template": template(scenario.services("shop", 2)),
        "version": "2.0",
        "update_method": kind.value,
    }
    mortal = Mortal(shop)
    try:
        mortal.start()
        mortal.ask("update", update)
        if kind is ReleaseKind.BLUE_GREEN:
            mortal.until(ReleaseState.AWAITING_CONFIRMATION)
            mortal.ask(f"{'confirm' if end is ReleaseState.COMPLETED else 'rollback'}-update")
        mortal.until(end)
    finally:
        mortal.end()
    world.cluster.coordinator.start()
    world.wait_for_nodes(3)
    assert faults_of(shop, (kind, end)) == {}
    points = [point for point, _ in mortal.deaths]
    assert points == ["before_release_put", "after_release_put"] * (len(points) // 2), mortal.deaths
    assert len(points) // 2 >= steps, mortal.deaths
