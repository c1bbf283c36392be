"""What every `ContainerEngine` promises about joining and leaving networks."""

import pytest

from agent.errors import ContainerRejected
from agent.ports import ContainerEngine
from schemas.errors import Transient
from schemas.service import NetworkAttachment, ServiceSpec
from tests.contract.engines import NETWORK, OBEDIENT, STUBBORN, Trial, create, run

LATER = NETWORK.model_copy(update={"name": "shop_default_r000000007"})
IN_ONE = {"networks": (NetworkAttachment(name=NETWORK.name),)}
JOINED = NetworkAttachment(name=LATER.name, aliases=("db",))


async def networks_of(engine: ContainerEngine, container_id: str) -> set[str]:
    (names,) = (seen.networks for seen in await engine.containers() if seen.id == container_id)
    return set(names)


async def in_one(trial: Trial, spec: ServiceSpec = STUBBORN) -> str:
    """A container that runs in the one network."""
    for network in (NETWORK, LATER):
        await trial.engine.create_network(network)
    return await run(trial.engine, spec.model_copy(update=IN_ONE))


async def test_a_running_container_joins_and_leaves_and_runs_on(trial: Trial) -> None:
    container_id = await in_one(trial)
    (before,) = await trial.engine.containers()
    for _ in range(2):
        await trial.engine.connect(container_id, JOINED)
        assert await networks_of(trial.engine, container_id) == {NETWORK.name, LATER.name}
    for _ in range(2):
        await trial.engine.disconnect(container_id, LATER.name)
        assert await networks_of(trial.engine, container_id) == {NETWORK.name}
    (after,) = await trial.engine.containers()
    assert after.is_running
    assert (after.id, after.started_at) == (before.id, before.started_at)


async def test_a_container_that_does_not_run_joins_and_leaves(trial: Trial) -> None:
    await trial.engine.create_network(LATER)
    container_id = await create(trial.engine, OBEDIENT)
    await trial.engine.connect(container_id, JOINED)
    assert LATER.name in await networks_of(trial.engine, container_id)
    await trial.engine.start(container_id)
    assert LATER.name in await networks_of(trial.engine, container_id)
    await trial.die(container_id)
    await trial.engine.disconnect(container_id, LATER.name)
    assert LATER.name not in await networks_of(trial.engine, container_id)


async def test_a_network_that_was_left_can_be_removed(trial: Trial) -> None:
    container_id = await in_one(trial)
    await trial.engine.connect(container_id, JOINED)
    with pytest.raises(Transient):
        await trial.engine.remove_network(LATER.name)
    await trial.engine.disconnect(container_id, LATER.name)
    await trial.engine.remove_network(LATER.name)
    assert [each.name for each in await trial.engine.networks()] == [NETWORK.name]


async def test_there_is_no_joining_of_or_by_what_is_not_there(trial: Trial) -> None:
    container_id = await in_one(trial)
    with pytest.raises(Transient, match="shop_nowhere"):
        await trial.engine.connect(container_id, NetworkAttachment(name="shop_nowhere"))
    await trial.engine.disconnect(container_id, "shop_nowhere")
    await trial.vanish(container_id)
    with pytest.raises(Transient):
        await trial.engine.connect(container_id, JOINED)
    await trial.engine.disconnect(container_id, NETWORK.name)


async def test_a_network_that_is_not_ours_is_not_left(trial: Trial) -> None:
    container_id = await in_one(trial)
    foreign = await trial.join(container_id)
    with pytest.raises(ContainerRejected):
        await trial.engine.disconnect(container_id, foreign)
    assert foreign in await networks_of(trial.engine, container_id)
