"""What an update plans: which services change, under which names, in whose networks."""

import pytest

from coordinator.releases.groups import slot_groups
from schemas.release import ReleaseKind
from schemas.states import State
from schemas.template import UpdatePolicy
from tests.builders import a_project, a_service
from tests.releases import an_update


def set_names(project) -> dict[str, str]:
    """Service -> the set of what the update makes of it."""
    return {n: project.release.target.services[n].set_name for n in project.release.rollouts}


@pytest.mark.parametrize("image", ["web:1", "web:2"])
def test_a_service_that_becomes_global_or_is_it_no_longer_gets_containers_beside_the_old_ones(
    image,
):
    for was_global in (True, False):
        held = a_project(a_service("web", is_global=was_global, scale=2))
        other = a_service("web", is_global=not was_global, scale=2, image=image).template
        assert other.update.order == "stop-first"
        released = an_update(held, [other])
        assert set_names(released) == {"web": "r2"}
        assert len({group.key for group in slot_groups(released)}) == len(slot_groups(released))


def test_what_is_replaced_in_place_keeps_its_names():
    held = a_project(a_service("web"), a_service("db"))
    released = an_update(held, [a_service("web", image="web:2").template, a_service("db").template])
    assert set_names(released) == {"web": ""}


def test_start_first_and_blue_green_make_other_names():
    held = a_project(a_service("web"))
    other = a_service("web", image="web:2").template
    beside = other.model_copy(update={"update": UpdatePolicy(order="start-first")})
    assert set_names(an_update(held, [beside])) == {"web": "r2"}
    assert set_names(an_update(held, [other], ReleaseKind.BLUE_GREEN, revision=7)) == {"web": "r7"}


def test_what_lives_in_a_container_that_gets_another_name_is_made_anew_beside_it():
    held = a_project(a_service("web"), a_service("log", network_mode="service:web"))
    update = UpdatePolicy(order="start-first")
    web = a_service("web", image="web:2").template.model_copy(update={"update": update})
    released = an_update(held, [web, held.services["log"].template])
    assert set_names(released) == {"web": "r2", "log": "r2"}


def test_what_names_a_container_of_its_project_names_that_of_its_set():
    log = a_service("log", volumes_from=("service:web:ro", "container:other"))
    held = a_project(a_service("web"), log)
    web = a_service("web", image="web:2").template
    released = an_update(held, [web, log.template], ReleaseKind.BLUE_GREEN, revision=3)
    named = {
        group.key.set_name: group.spec.volumes_from
        for group in slot_groups(released)
        if group.key.service == "log"
    }
    assert named == {
        "": ("shop_web_1:ro", "container:other"),
        "r3": ("shop_web_1_r3:ro", "container:other"),
    }


def test_a_deleted_project_wants_no_slots():
    assert slot_groups(a_project(state=State.DELETED)) == ()
