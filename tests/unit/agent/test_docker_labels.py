"""What a container's labels say of it, written and read."""

import pytest

from agent.adapters import docker_labels as label
from agent.adapters.docker_labels import container_labels, slot_key
from agent.domain.actions import ContainerLabels
from schemas.names import SlotKey
from tests.fakes.orders import a_spec


def labels_of(key: SlotKey) -> dict[str, str]:
    return container_labels(a_spec(), ContainerLabels(key, "abc", "1.0", 2, 3, 4))


@pytest.mark.parametrize("set_name", ["", "r7"])
def test_a_slot_is_read_as_it_was_written(set_name: str) -> None:
    key = SlotKey("shop", "web", 2, set_name)
    assert slot_key(labels_of(key)) == key


def test_the_first_set_has_no_label_so_containers_of_older_versions_are_in_it() -> None:
    assert label.SET not in labels_of(SlotKey("shop", "web", 1))


@pytest.mark.parametrize("set_name", ["", "r7"])
def test_other_tools_count_containers_by_their_slot(set_name: str) -> None:
    labels = labels_of(SlotKey("shop", "web", 2, set_name))
    assert labels["com.docker.compose.container-number"] == "2"
    assert labels["com.docker.compose.service"] == "web"
