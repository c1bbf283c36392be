"""Who finds whom by name, after and during any sequence of releases."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.releases.groups import EVERY, SlotGroup, slot_groups
from coordinator.releases.networks import networks_of
from schemas.desired import DesiredNetwork
from schemas.names import network_name
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind, Rollout
from schemas.service import NetworkAttachment
from schemas.template import ServiceTemplate, UpdatePolicy
from tests.builders import a_project, a_service
from tests.releases import KINDS, ORDERS, an_update, ended

NAMES = ("a", "b", "c")
NETWORKS = ("back", "front")
fast = settings(max_examples=60, deadline=None)

Found = dict[str, tuple[str, ...]]


def template(name: str, networks: list[str], image: int, order: str) -> ServiceTemplate:
    joined = tuple(
        NetworkAttachment(name=network_name("shop", each), aliases=(name,)) for each in networks
    )
    made = a_service(name, image=f"{name}:{image}", networks=joined).template
    policy = UpdatePolicy.model_validate({"order": order})
    return made.model_copy(update={"update": policy})


#: what a whole template says: of each service its networks and its image
TEMPLATES = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(
        st.sets(st.sampled_from(NETWORKS), min_size=1).map(sorted), st.integers(1, 2), ORDERS
    ),
    min_size=1,
)


def services_of(said: Any) -> list[ServiceTemplate]:
    return [template(name, *said[name]) for name in sorted(said)]


def networks_for(services: list[ServiceTemplate]) -> tuple[DesiredNetwork, ...]:
    names = {each.name for service in services for each in service.spec.networks}
    return tuple(DesiredNetwork(project="shop", name=name) for name in sorted(names))


def a_first(said: Any) -> ProjectRecord:
    services = services_of(said)
    made = [a_service(each.name).model_copy(update={"template": each}) for each in services]
    return a_project(*made, networks=networks_for(services))


@st.composite
def histories(draw: st.DrawFn) -> list[ProjectRecord]:
    """Records at rest and in the middle of releases, one after the other."""
    record = a_first(draw(TEMPLATES))
    found = [record]
    for revision in range(2, 2 + draw(st.integers(0, 4))):
        services = services_of(draw(TEMPLATES))
        networks = networks_for(services)
        begun = an_update(record, services, draw(KINDS), revision=revision, networks=networks)
        record = ended(begun, completed=draw(st.booleans()))
        found += [beside(begun), record]
    return found


def beside(project: ProjectRecord) -> ProjectRecord:
    """As it is when the whole next set is up, and nothing of the current one has gone."""
    release = project.release
    assert release is not None
    rollouts = dict.fromkeys(release.rollouts, Rollout(begun=EVERY))
    return project.model_copy(update={"release": release.model_copy(update={"rollouts": rollouts})})


def running(project: ProjectRecord) -> list[SlotGroup]:
    return [group for group in slot_groups(project) if not group.is_empty and not group.is_held]


def answers(group: SlotGroup) -> Found:
    """Network on the engine -> the names that the containers answer to there."""
    return {each.name: each.aliases for each in (*group.spec.networks, *group.joins)}


def meet(one: SlotGroup, other: SlotGroup) -> bool:
    """Whether there is a network in which both answer to their names."""
    here, there = answers(one), answers(other)
    return any(
        one.key.service in here[name] and other.key.service in there[name]
        for name in here.keys() & there.keys()
    )


def share_a_network(one: SlotGroup, other: SlotGroup) -> bool:
    names = [{each.name for each in group.record.template.spec.networks} for group in (one, other)]
    return bool(names[0] & names[1])


@fast
@given(histories())
def test_services_of_the_current_set_find_each_other(history):
    for record in history:
        groups = [group for group in running(record) if not group.is_next]
        for one in groups:
            for other in groups:
                assert meet(one, other) is True or not share_a_network(one, other)


@fast
@given(histories())
def test_services_of_the_next_set_find_each_other_and_what_both_sets_have(history):
    for record in history:
        release = record.release
        if release is None:
            continue
        of_next = [g for g in running(record) if g.is_next or g.key.service not in release.rollouts]
        of_next = [g for g in of_next if g.key.service in release.target.services]
        for one in of_next:
            for other in of_next:
                assert meet(one, other) or not share_a_network(one, other)


@fast
@given(histories())
def test_a_green_service_is_in_no_network_of_a_blue_one(history):
    for record in history:
        release = record.release
        if release is None or release.kind is not ReleaseKind.BLUE_GREEN:
            continue
        replaced = [g for g in running(record) if g.key.service in release.rollouts]
        blue = {name for g in replaced if not g.is_next for name in answers(g)}
        green = {name for g in replaced if g.is_next for name in answers(g)}
        assert not blue & green


@fast
@given(histories())
def test_every_network_that_a_container_is_in_is_made(history):
    for record in history:
        made = {network.name for network in networks_of(record)}
        for group in slot_groups(record):
            assert answers(group).keys() <= made


@fast
@given(histories())
def test_of_one_network_of_the_template_the_older_set_is_asked_first(history):
    for record in history:
        for group in running(record):
            for name in {each.name for each in group.record.template.spec.networks}:
                of_sets = sorted(each for each in answers(group) if each.startswith(name))
                ages = [int(each.rpartition("_r")[2]) if each != name else 0 for each in of_sets]
                assert ages == sorted(ages)


@fast
@given(TEMPLATES)
def test_without_sets_everything_is_the_very_same(said):
    record = a_first(said)
    assert networks_of(record) is record.networks
    for group in slot_groups(record):
        assert group.spec is record.services[group.key.service].template.spec
        assert group.joins == ()


@fast
@given(histories())
def test_what_both_sets_have_finds_the_current_one_where_networks_stay_as_they_are(history):
    for record in history:
        release = record.release
        if release is None or release.kind is not ReleaseKind.BLUE_GREEN:
            continue
        groups = running(record)
        both_have = [group for group in groups if group.key.service not in release.rollouts]
        for name in release.rollouts.keys() & record.services.keys():
            old, new = (g for g in groups if g.key.service == name)
            if joined(old) != joined(new):
                # A network that sorts before those of the current set would be asked first.
                continue
            for one in (one for one in both_have if meet(one, old)):
                assert is_first(one, old, new)


def joined(group: SlotGroup) -> set[str]:
    return {each.name for each in group.record.template.spec.networks}


def is_first(who: SlotGroup, current: SlotGroup, ahead: SlotGroup) -> bool:
    """Whether the engine finds the current service before the one of the next set."""
    networks = sorted(answers(who))
    of_both = [next(i for i, n in enumerate(networks) if n in answers(g)) for g in (current, ahead)]
    return of_both[0] < of_both[1]
