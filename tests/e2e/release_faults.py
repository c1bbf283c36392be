"""What isn't as it has to be once the release of a scenario has ended."""

from typing import Any

from schemas.names import network_of_set
from schemas.release import ReleaseKind, ReleaseState
from tests.e2e.bus_keys import slots_of
from tests.e2e.release_scenarios import SCENARIOS
from tests.e2e.releasing import Shop, names, state_of


def faults_of(shop: Shop, case: tuple[ReleaseKind, ReleaseState]) -> dict[str, Any]:
    """What isn't as it has to be once the release has ended; empty: nothing."""
    scenario, is_new = SCENARIOS[case], SCENARIOS[case].end is ReleaseState.COMPLETED
    in_set = "r2" if is_new and scenario.kind is ReleaseKind.BLUE_GREEN else ""
    version = "2.0" if is_new else "1.0"
    beside = {f"{shop.name}_{name}_1" for name in scenario.beside}
    wanted = {
        "state": (scenario.end, "running", version),
        "containers": names("web", 2, in_set, shop.name) | beside,
        "networks": {network_of_set(f"{shop.name}_default", in_set)},
        "weights": {version},
        "documents": {("web", in_set), *((name, "") for name in scenario.beside)},
    }

    def found() -> dict[str, Any]:
        shown = shop.shown
        return {
            "state": (state_of(shown), shown["current_state"], shown["version"]),
            "containers": set(shop.ids()),
            "networks": shop.networks(),
            "weights": {one for one, weight in shop.weights().items() if weight},
            "documents": slots_of(shop.world, shop.name),
        }

    try:
        shop.world.wait_for(lambda: found() == wanted, f"{shop.name} is as it has to be")
    except AssertionError:
        seen = found()
        return {key: (seen[key], wanted[key]) for key in wanted if seen[key] != wanted[key]}
    return {}
