"""What every `ContainerEngine` promises about networks, volumes and images."""

import pytest

from agent.domain.observation import SeenVolume
from agent.errors import ImageNotFound, PullFailed
from schemas.desired import DesiredVolume
from schemas.errors import Transient
from schemas.fingerprint import network_fingerprint, volume_fingerprint
from schemas.service import NetworkAttachment, VolumeMount
from tests.contract.engines import NETWORK, OBEDIENT, STUBBORN, Trial, run
from tests.registry import PORT

NOSUCH = f"127.0.0.1:{PORT}/nosuch:1"
_VOLUME = DesiredVolume(project="shop", name="shop_data")
_SEEN = SeenVolume("shop_data", "shop", volume_fingerprint(_VOLUME))


async def test_a_network_is_made_once_and_removed_once(trial: Trial) -> None:
    for _ in range(2):
        await trial.engine.create_network(NETWORK)
    (seen,) = await trial.engine.networks()
    assert (seen.name, seen.project) == ("shop_default", "shop")
    assert seen.fingerprint == network_fingerprint(NETWORK)
    assert seen.id
    for _ in range(2):
        await trial.engine.remove_network("shop_default")
    assert await trial.engine.networks() == ()


async def test_a_network_in_use_is_not_removed(trial: Trial) -> None:
    await trial.engine.create_network(NETWORK)
    attached = (NetworkAttachment(name="shop_default"),)
    container_id = await run(trial.engine, STUBBORN.model_copy(update={"networks": attached}))
    with pytest.raises(Transient, match="shop_default"):
        await trial.engine.remove_network("shop_default")
    await trial.engine.remove(container_id, volumes=True)
    await trial.engine.remove_network("shop_default")
    assert await trial.engine.networks() == ()


async def test_a_volume_is_made_once_and_removed_once(trial: Trial) -> None:
    for _ in range(2):
        await trial.engine.create_volume(_VOLUME)
    assert await trial.engine.volumes() == (_SEEN,)
    for _ in range(2):
        await trial.engine.remove_volume("shop_data")
    assert await trial.engine.volumes() == ()


async def test_a_volume_in_use_is_not_removed_and_outlives_its_container(trial: Trial) -> None:
    await trial.engine.create_volume(_VOLUME)
    mounts = (VolumeMount(type="volume", source="shop_data", target="/data"),)
    container_id = await run(trial.engine, OBEDIENT.model_copy(update={"volumes": mounts}))
    with pytest.raises(Transient, match="shop_data"):
        await trial.engine.remove_volume("shop_data")
    await trial.engine.remove(container_id, volumes=True)
    assert await trial.engine.volumes() == (_SEEN,)


async def test_what_is_there_stays_what_it_was_made_as(trial: Trial) -> None:
    await trial.engine.create_network(NETWORK)
    await trial.engine.create_volume(_VOLUME)
    await trial.engine.create_network(NETWORK.model_copy(update={"internal": True}))
    await trial.engine.create_volume(_VOLUME.model_copy(update={"labels": {"a": "b"}}))
    (network,) = await trial.engine.networks()
    assert network.fingerprint == network_fingerprint(NETWORK)
    assert await trial.engine.volumes() == (_SEEN,)


async def test_a_volume_that_came_with_a_container_is_ours(trial: Trial) -> None:
    mounts = (VolumeMount(type="volume", source="shop_data", target="/data"),)
    await run(trial.engine, OBEDIENT.model_copy(update={"volumes": mounts}))
    assert await trial.engine.volumes() == (SeenVolume("shop_data", "shop"),)
    await trial.engine.create_volume(_VOLUME)


async def test_images_that_are_not_on_the_node_are_missing(trial: Trial) -> None:
    found = await trial.engine.images(["box:1", "nosuch:1", "box:1"])
    assert set(found) == {"box:1"}
    assert found["box:1"].startswith("sha256:")
    assert await trial.engine.images([]) == {}


async def test_a_pull_of_what_its_registry_does_not_have_is_refused(trial: Trial) -> None:
    await trial.serve_images()
    with pytest.raises(ImageNotFound, match=f"pull {NOSUCH}: .*manifest unknown"):
        await trial.engine.pull(NOSUCH)


async def test_a_pull_that_reaches_no_registry_may_succeed_later(trial: Trial) -> None:
    with pytest.raises(PullFailed, match=f"pull {NOSUCH}: .*connection refused"):
        await trial.engine.pull(NOSUCH)
