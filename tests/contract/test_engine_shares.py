"""What every `ContainerEngine` promises about shared volumes: never the node's own disk instead."""

from pathlib import Path

import pytest

from agent.errors import ContainerRejected, EngineFailed
from schemas.errors import Permanent, Transient
from schemas.service import VolumeMount
from tests.contract.engines import OBEDIENT, RealTrial, Trial, create, run

PHOTOS = "nas/photos"
SPEC = OBEDIENT.model_copy(
    update={"volumes": (VolumeMount(type="cluster", source=PHOTOS, target="/photos"),)}
)
FIRST = ((PHOTOS, "i1"),)


def left_behind(trial: Trial) -> list[Path]:
    """What lies on the node's own disk where shared volumes would be."""
    return list(trial.shares.rglob("photos")) if isinstance(trial, RealTrial) else []


async def test_a_container_runs_on_a_mounted_volume_and_says_which_mount(trial: Trial) -> None:
    await trial.mount(PHOTOS)
    await run(trial.engine, SPEC, mounts=FIRST)
    (seen,) = await trial.engine.containers()
    assert seen.is_running
    assert seen.mounts == {PHOTOS: "i1"}
    assert not seen.is_vague
    assert seen.volumes == frozenset()


async def test_without_the_mount_nothing_is_made_of_it(trial: Trial) -> None:
    with pytest.raises(ContainerRejected):
        await create(trial.engine, SPEC, mounts=FIRST)
    assert await trial.engine.containers() == ()
    assert left_behind(trial) == []


async def test_a_mount_that_goes_before_the_start_fails_the_start(trial: Trial) -> None:
    await trial.mount(PHOTOS)
    container_id = await create(trial.engine, SPEC, mounts=FIRST)
    await trial.unmount(PHOTOS)
    with pytest.raises((Transient, Permanent)):
        await trial.engine.start(container_id)
    (seen,) = await trial.engine.containers()
    assert not seen.is_running
    assert left_behind(trial) == []


async def test_a_container_of_an_older_mount_is_not_taken_for_a_new_one(trial: Trial) -> None:
    await trial.mount(PHOTOS)
    first = await create(trial.engine, SPEC, mounts=FIRST)
    assert await create(trial.engine, SPEC, mounts=FIRST) == first
    with pytest.raises(EngineFailed, match="older"):
        await create(trial.engine, SPEC, mounts=((PHOTOS, "i2"),))


@pytest.mark.parametrize("sub_path", ["../../etc", "/etc", "a/../../b"])
async def test_no_directory_leads_out_of_the_volume(trial: Trial, sub_path: str) -> None:
    await trial.mount(PHOTOS)
    (share,) = SPEC.volumes
    outside = SPEC.model_copy(
        update={"volumes": (share.model_copy(update={"sub_path": sub_path}),)}
    )
    with pytest.raises(ContainerRejected):
        await create(trial.engine, outside, mounts=FIRST)
    assert await trial.engine.containers() == ()
