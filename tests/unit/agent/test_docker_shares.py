"""What the engine is asked for when a container uses a shared volume."""

from typing import Any

import pytest

from agent.adapters.docker_labels import MOUNTS, container_labels, mounts
from agent.adapters.docker_shares import shared_bind
from agent.adapters.docker_specs import creation
from agent.domain.actions import ContainerLabels
from agent.errors import ContainerRejected
from schemas.names import SlotKey
from schemas.service import VolumeMount
from tests.fakes.orders import a_spec, sharing

LABELS = ContainerLabels(
    SlotKey("shop", "web", 1), "f", "1", 0, 1, 1, mounts=(("nas/a", "i1"), ("ossfs/b", "i2"))
)


def a_share(**fields: Any) -> VolumeMount:
    return VolumeMount(type="cluster", target="/data", **({"source": "nas/photos"} | fields))


def test_a_shared_volume_is_a_bind_that_makes_no_directory() -> None:
    host = creation(sharing(), LABELS, "/shares")["HostConfig"]
    assert host["Mounts"] == [
        {"Type": "bind", "Source": "/shares/nas/photos", "Target": "/photos", "ReadOnly": False}
    ]
    # The engine makes what is missing under Binds.
    assert "Binds" not in host


def test_a_directory_of_it_is_bound_where_mountd_holds_it_and_never_by_its_path() -> None:
    share = a_share(source="ossfs/my.bucket", sub_path="a/b=,c", read_only=True)
    held = {"ossfs/my.bucket": "i1", "ossfs/my.bucket/a/b%3D%2Cc": ".sub/0a-1b-2c"}
    bind = shared_bind(share, "/mnt", held)
    assert (bind["Source"], bind["ReadOnly"]) == ("/mnt/.sub/0a-1b-2c", True)


@pytest.mark.parametrize("place", ["", "nas/photos/app", "/etc", ".sub/../etc", ".sub/a\n"])
def test_a_directory_that_mountd_does_not_hold_is_no_mount(place: str) -> None:
    with pytest.raises(ContainerRejected, match="'app' of nas/photos is not held"):
        shared_bind(a_share(sub_path="app"), "/mnt", {"nas/photos/app": place})


@pytest.mark.parametrize("must_exist", [True, False])
@pytest.mark.parametrize("source", ["/shares", "/shares/nas/photos/app", "/shares/.sub/1"])
def test_a_host_path_among_the_shared_volumes_is_none(source: str, must_exist: bool) -> None:
    bind = VolumeMount(type="bind", source=source, target="/x", must_exist=must_exist)
    with pytest.raises(ContainerRejected, match="name the volume"):
        creation(a_spec(volumes=(bind,)), LABELS, "/shares")
    assert creation(a_spec(volumes=(bind,)), LABELS, "/sharesx")


@pytest.mark.parametrize(
    "source", ["", "nas", "nas/", "nas/..", "nas/a/b", "/etc", "../etc", "nas/a\n", "local/a"]
)
def test_what_is_no_shared_volume_is_none(source: str) -> None:
    with pytest.raises(ContainerRejected, match="is no shared volume"):
        shared_bind(a_share(source=source), "/mnt", {})


def test_a_container_says_for_which_mounts_it_was_made() -> None:
    labels = container_labels(sharing(), LABELS)
    assert labels[MOUNTS] == "nas/a=i1,ossfs/b=i2"
    assert mounts(labels) == {"nas/a": "i1", "ossfs/b": "i2"}
    bare = ContainerLabels(LABELS.key, "f", "1", 0, 1, 1)
    assert MOUNTS not in container_labels(a_spec(), bare)
    assert mounts({}) == {}
