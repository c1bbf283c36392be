"""Volumes in the API's bodies."""

import pytest

from coordinator.views.render_volumes import volume_bodies
from coordinator.views.volumes import VolumeView
from schemas.current import MountCurrent
from schemas.states import MountState
from schemas.volume import NasOptions, VolumeSpec
from tests.fakes.pictures import a_node

VOLUME = VolumeSpec(name="data", driver="nas", nas=NasOptions(host="h", path="/"))
MOUNTED = MountCurrent(name="data", state=MountState.MOUNTED)


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("is_used", [True, False])
def test_one_that_is_being_deleted_is_unmounting_whatever_the_nodes_say_yet(
    is_there: bool, is_used: bool
) -> None:
    node = a_node()
    view = VolumeView(
        VOLUME,
        mounts={node.name: MOUNTED} if is_there else {},
        users={node.name: (("shop_web_1", "id"),)} if is_used else {},
        is_deleting=True,
    )
    (shown,) = volume_bodies(view, [node], "/srv/acs")
    assert shown["State"] == "unmounting"
    assert shown["Mountpoint"] == "/srv/acs/nas/data"
