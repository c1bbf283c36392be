"""What a container leaves of itself is seen by the guard of all tests."""

import pytest

from tests.contract.engines import STUBBORN, RealTrial, create
from tests.guard import LeakGuard

pytestmark = pytest.mark.engine


async def test_a_container_of_a_real_engine_is_seen_until_it_is_removed(
    real: RealTrial, leak_guard: LeakGuard
) -> None:
    def containers() -> list[str]:
        return [each.name for each in leak_guard.left() if each.kind == "container"]

    assert containers() == []
    container_id = await create(real.engine, STUBBORN)
    assert containers() == [container_id]
    await real.engine.remove(container_id, volumes=True)
    assert containers() == []
