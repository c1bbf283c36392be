"""Arbitrary orders and nodes, for what holds whatever is desired and seen."""

from hypothesis import strategies as st

from agent.domain.observation import Observation, SeenContainer
from agent.domain.plan import plan
from schemas.desired import NodeDesired, PullPolicy
from schemas.states import Health, MountState, Wanted
from tests.fakes.orders import (
    a_mount,
    a_network,
    a_preparation,
    a_slot,
    a_spec,
    a_volume,
    joining,
    orders,
    sharing,
)
from tests.unit.agent.seen import NOW, PureNode, a_container, an_observation, mounted

SPECS = [
    a_spec("web:1"),
    a_spec("web:2", networks=joining()),
    a_spec("gone:1"),
    a_spec("web:1", volumes=({"type": "volume", "source": "shop_db", "target": "/db"},)),
    a_spec("web:2", restart={"policy": "no"}, networks=joining()),
    sharing(),
    sharing(restart={"policy": "no"}),
]
SERVICES = ["a", "b", "c"]
#: With `never`, an image that is gone stays so.
PULLS = [PullPolicy.MISSING, PullPolicy.NEWER, PullPolicy.ALWAYS]
#: a pass each to discard what is too many, to pull, to replace, to start
PASSES = 4

#: a network of a set, one that no document has, and one that is not ours
NEXT, OLD, FOREIGN = "shop_next", "shop_old", "monitoring"

spec_numbers = st.integers(0, len(SPECS) - 1)
preparations = st.none() | st.builds(
    a_preparation,
    st.sampled_from(SPECS),
    refresh=st.integers(0, 1),
    pull=st.sampled_from(PULLS),
)


@st.composite
def documents(draw: st.DrawFn) -> NodeDesired:
    slots = [
        a_slot(
            service,
            slot,
            spec=SPECS[draw(spec_numbers)],
            wanted=draw(st.sampled_from(Wanted)),
            refresh=draw(st.integers(0, 1)),
            pull=draw(st.sampled_from(PULLS)),
            set_name=draw(st.sampled_from(["", "r7"])),
            prepares=draw(preparations),
            joins=draw(st.sampled_from([(), joining(NEXT)])),
        )
        for service in SERVICES
        for slot in (1, 2)
        if draw(st.booleans())
    ]
    has_next = draw(st.booleans()) or any(slot.joins for slot, _ in slots)
    return orders(
        *slots,
        ahead=SPECS,
        networks=[a_network(), *([a_network(NEXT)] if has_next else [])],
        volumes=[a_volume(wanted=draw(st.sampled_from([Wanted.RUNNING, Wanted.ABSENT])))],
        mounts=[a_mount(when_stuck=draw(st.sampled_from(["wait", "stop", "move"])))],
    )


@st.composite
def sightings(draw: st.DrawFn) -> SeenContainer:
    number = draw(st.integers(0, 10_000))
    status = draw(st.sampled_from(["created", "running", "paused", "exited", "dead"]))
    spec = SPECS[draw(spec_numbers)]
    is_sharing = any(mount.type == "cluster" for mount in spec.volumes)
    return a_container(
        draw(st.sampled_from([*SERVICES, "unmentioned"])),
        draw(st.integers(1, 2)),
        spec=spec,
        set_name=draw(st.sampled_from(["", "r7"])),
        networks=frozenset(attachment.name for attachment in spec.networks)
        | draw(st.sets(st.sampled_from([NEXT, OLD, FOREIGN]))),
        mounts={"nas/photos": draw(st.sampled_from(["i0", "i1"]))} if is_sharing else {},
        id=f"seen-{number}",
        status=status,
        refresh=draw(st.integers(0, 1)),
        exit_code=draw(st.sampled_from([0, 1])) if status == "exited" else None,
        health=draw(st.sampled_from([Health.NONE, Health.SUCCESS])),
        image_id=draw(st.sampled_from(["sha256:web1", "sha256:web2", "sha256:older"])),
        started_at=None if status == "created" else NOW - number,
    )


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    containers = draw(st.lists(sightings(), max_size=8, unique_by=lambda seen: seen.id))
    return an_observation(
        *containers,
        networks=sorted(
            draw(st.sets(st.sampled_from(["shop_default", NEXT, OLD, "left_default"])))
        ),
        volumes=draw(st.sampled_from([[], ["shop_db"]])),
        mounts=mounted(),
    )


#: whatever mountd may say, or nothing
mount_states = st.sampled_from([None, {}, *(mounted(state=state) for state in MountState)])


def settle(desired: NodeDesired, node: PureNode) -> None:
    for _ in range(PASSES):
        for action in plan(desired, node.observed).actions:
            node.carry_out(action)
    assert plan(desired, node.observed).is_empty
