"""What holds for every cluster: determinism, idempotence, hard rules, even spread."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from coordinator.placement.expressions import matcher
from coordinator.placement.filters import node_attribute
from coordinator.placement.occupancy import NodeView
from coordinator.placement.schedule import schedule
from coordinator.store.placements import Placement
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.release import ServiceRecord
from schemas.states import NodeState, State
from tests.unit.scheduler.builders import a_node, a_project, a_service, nodes

NAMES = ["a", "b", "c"]
EXPRESSIONS = [
    "constraint:group==g1",
    "constraint:group!=g1",
    "constraint:group==~g2",
    "constraint:node!=(n1|n2)",
    "constraint:node==/(/",
    "affinity:service==a",
    "affinity:service==b",
    "affinity:service==~c",
    "affinity:service!=a",
    "affinity:service!=q_b",
    "affinity:service==q_a",
    "affinity:container==p_a_1",
    "affinity:container!=p_*_2",
    "affinity:image==a",
    "affinity:tier==front",
]

a_known_node = st.builds(
    lambda index, zone, group, cpus, state, closed: a_node(
        index,
        zone=zone,
        labels={"group": group} if group else {},
        cpus=cpus,
        state=state,
        is_cordoned=closed == "cordoned",
        engine_ready=closed != "engine",
    ),
    st.integers(1, 6),
    st.sampled_from(["", "x", "y", "z"]),
    st.sampled_from(["", "g1", "g2"]),
    st.sampled_from([0.0, 1.0, 2.0]),
    st.sampled_from([NodeState.READY, NodeState.READY, NodeState.SUSPECT, NodeState.DOWN]),
    st.sampled_from(["", "", "", "cordoned", "engine"]),
)
known_nodes = st.lists(a_known_node, max_size=6, unique_by=lambda node: node.index)


@st.composite
def services(draw: st.DrawFn, name: str) -> ServiceRecord:
    others = [other for other in NAMES if other != name]
    return a_service(
        name,
        *draw(st.lists(st.sampled_from(EXPRESSIONS), max_size=2, unique=True)),
        scale=draw(st.integers(0, 4)),
        ports=draw(st.sampled_from([(), (), ("80:80",), ("10.0.0.1:80:80",), ("80:80/udp",)])),
        state=draw(st.sampled_from([State.RUNNING, State.RUNNING, State.STOPPED])),
        is_global=draw(st.sampled_from([False, False, True])),
        reschedule=draw(st.booleans()),
        together_with=tuple(draw(st.lists(st.sampled_from(others), max_size=1))),
        depends_on=tuple(draw(st.lists(st.sampled_from(others), max_size=1))),
        zones_min=draw(st.sampled_from([None, None, 1, 2])),
        zones_soft=draw(st.booleans()),
        cpus=draw(st.sampled_from([None, 0.5, 1.0])),
        labels=draw(st.sampled_from([{}, {"tier": "front"}])),
    )


@st.composite
def projects(draw: st.DrawFn) -> list[ProjectRecord]:
    return [
        a_project(
            *(draw(services(s)) for s in draw(st.sets(st.sampled_from(NAMES)).map(sorted))),
            name=name,
            state=draw(st.sampled_from([State.RUNNING] * 4 + [State.DELETED])),
        )
        for name in ("p", "q")
    ]


slots = st.builds(
    SlotKey,
    st.sampled_from(["p", "q"]),
    st.sampled_from(NAMES),
    st.integers(1, 6),
    st.sampled_from(["", "", "r2", "r3"]),
)
placements = st.dictionaries(slots, st.sampled_from([f"n{i}" for i in range(1, 7)]), max_size=12)


@given(projects(), known_nodes, placements, st.booleans(), st.randoms())
def test_the_order_of_inputs_has_no_influence(
    wanted: list[ProjectRecord],
    on: list[NodeView],
    previous: Mapping[SlotKey, str],
    frozen: bool,
    random: Random,
) -> None:
    first = schedule(wanted, on, previous, frozen=frozen)
    mixed = [
        each.model_copy(update={"services": dict(reversed(each.services.items()))})
        for each in reversed(wanted)
    ]
    nodes_mixed = list(on)
    random.shuffle(nodes_mixed)
    second = schedule(mixed, nodes_mixed, dict(reversed(list(previous.items()))), frozen=frozen)
    assert first == second
    assert list(first.assigned) == list(second.assigned)
    assert list(first.unplaced) == list(second.unplaced)


@given(projects(), known_nodes, placements, st.booleans())
def test_scheduling_again_changes_nothing(
    wanted: list[ProjectRecord],
    on: list[NodeView],
    previous: Mapping[SlotKey, str],
    frozen: bool,
) -> None:
    first = schedule(wanted, on, previous, frozen=frozen)
    second = schedule(wanted, on, first.assigned, frozen=frozen)
    assert second.assigned == first.assigned
    assert second.unplaced == first.unplaced
    assert not second.moved


@given(projects(), known_nodes, placements, st.booleans())
def test_every_slot_is_where_the_rules_say(
    wanted: list[ProjectRecord],
    on: list[NodeView],
    previous: Mapping[SlotKey, str],
    frozen: bool,
) -> None:
    placement = schedule(wanted, on, previous, frozen=frozen)
    known = {node.name: node for node in on}
    records = {
        (project.name, name): service
        for project in wanted
        if project.desired_state is not State.DELETED
        for name, service in project.services.items()
    }
    for key, node in placement.assigned.items():
        record = records[key.project, key.service]
        if record.template.is_global:
            assert known[node].index == key.slot
        else:
            assert key.slot <= record.scale
            check_stays_or_moves_rightly(key, placement, previous, known, record, frozen)
        if previous.get(key) != node:
            check_new(known[node], record)
            check_resources(known[node], record, placement, records)
            check_ports(key, node, placement, records)
    check_nothing_is_forgotten(placement, records)
    assert all(text.split(": ", 1)[1] for text in placement.unplaced.values())


def check_stays_or_moves_rightly(
    key: SlotKey,
    placement: Placement,
    previous: Mapping[SlotKey, str],
    known: Mapping[str, NodeView],
    record: ServiceRecord,
    frozen: bool,
) -> None:
    before, node = previous.get(key), placement.assigned[key]
    if before is not None and before in known and before != node:
        assert not frozen
        assert record.template.placement.reschedule
        assert known[before].state is NodeState.DOWN
        assert placement.moved[key] == (before, node)
    else:
        assert key not in placement.moved


def check_new(node: NodeView, record: ServiceRecord) -> None:
    assert node.is_open
    assert record.desired_state is State.RUNNING
    for each in record.template.placement.expressions:
        if each.kind == "constraint" and not each.soft:
            assert matcher(each).holds([node_attribute(node, each.key)])


def check_resources(
    node: NodeView,
    record: ServiceRecord,
    placement: Placement,
    records: Mapping[tuple[str, str], ServiceRecord],
) -> None:
    """What was kept may be too much already, but then nothing that asks for more is added."""
    reserved = sum(
        records[key.project, key.service].template.spec.cpus or 0.0
        for key, name in placement.assigned.items()
        if name == node.name
    )
    assert not record.template.spec.cpus or not node.cpus or reserved <= node.cpus


def check_ports(
    key: SlotKey,
    node: str,
    placement: Placement,
    records: Mapping[tuple[str, str], ServiceRecord],
) -> None:
    mine = records[key.project, key.service].template.spec.ports
    for other, place in placement.assigned.items():
        if other == key or place != node:
            continue
        for theirs in records[other.project, other.service].template.spec.ports:
            for port in mine:
                same = (port.host_port, port.protocol) == (theirs.host_port, theirs.protocol)
                address = not port.host_ip or not theirs.host_ip or port.host_ip == theirs.host_ip
                assert not (same and address), (key, other)


def check_nothing_is_forgotten(
    placement: Placement, records: Mapping[tuple[str, str], ServiceRecord]
) -> None:
    for (project, service), record in records.items():
        if record.template.is_global:
            continue
        for number in range(1, record.scale + 1):
            key = SlotKey(project, service, number)
            is_told = key in placement.assigned or key in placement.unplaced
            assert is_told or record.desired_state is State.STOPPED


@given(projects(), known_nodes, placements)
def test_frozen_moves_nothing(
    wanted: list[ProjectRecord], on: list[NodeView], previous: Mapping[SlotKey, str]
) -> None:
    placement = schedule(wanted, on, previous, frozen=True)
    assert not placement.moved
    names = {node.name for node in on}
    is_global = {
        (p.name, name): s.template.is_global for p in wanted for name, s in p.services.items()
    }
    for key, node in placement.assigned.items():
        if previous.get(key) in names and not is_global[key.project, key.service]:
            assert node == previous[key]


@given(st.integers(1, 7), st.lists(st.integers(0, 12), min_size=1, max_size=4))
def test_plain_services_spread_evenly_over_equal_nodes(count: int, scales: list[int]) -> None:
    wanted = [a_service(f"s{i}", scale=scale) for i, scale in enumerate(scales)]
    placement = schedule([a_project(*wanted)], nodes(count), {})
    assert not placement.unplaced
    per_service: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for key, node in placement.assigned.items():
        per_service[key.service][node] += 1
    for counts in (*per_service.values(), Counter(placement.assigned.values())):
        held = [counts[f"n{i}"] for i in range(1, count + 1)]
        assert max(held) - min(held) <= 1


@given(st.integers(1, 5), st.integers(0, 9), st.integers(0, 9))
def test_scaling_up_and_down_disturbs_no_other_slot(count: int, before: int, then: int) -> None:
    first = schedule([a_project(a_service(scale=before))], nodes(count), {})
    second = schedule([a_project(a_service(scale=then))], nodes(count), first.assigned)
    shared = first.assigned.keys() & second.assigned.keys()
    assert len(shared) == min(before, then)
    assert all(first.assigned[key] == second.assigned[key] for key in shared)


@given(st.integers(1, 6), st.integers(1, 8), st.sampled_from([0.25, 0.5, 1.0]))
def test_reservations_never_exceed_a_node(count: int, scale: int, cpus: float) -> None:
    on = nodes(count, cpus=1.5)
    wanted = [a_service("a", scale=scale, cpus=cpus), a_service("b", scale=scale, cpus=0.5)]
    placement = schedule([a_project(*wanted)], on, {})
    size = {"a": cpus, "b": 0.5}
    held: Counter[str] = Counter()
    for key, node in placement.assigned.items():
        held[node] += int(size[key.service] * 4)
    assert all(quarters <= 6 for quarters in held.values())
