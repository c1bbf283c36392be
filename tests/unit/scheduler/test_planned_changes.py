"""What a plan says of each container, and why."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.commands import releasing
from coordinator.commands.operations import Moment
from coordinator.placement.planned_changes import planned_changes
from coordinator.placement.rehearsal import STEPS_MAX, Cluster
from coordinator.placement.schedule import schedule
from coordinator.store.nodes import NodePicture
from schemas.command import UpdateProject
from schemas.desired import DesiredSlot, NodeDesired
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.release import ServiceRecord
from schemas.release_views import Plan
from schemas.revision import RevisionRecord
from schemas.service import Probe
from schemas.states import NodeState, State, Wanted
from schemas.template import ProjectTemplate, UpdatePolicy
from tests import builders
from tests.unit.scheduler.builders import MIB, TIME, a_project, a_service, nodes
from tests.unit.scheduler.test_schedule_properties import NAMES
from tests.unit.scheduler.test_schedule_properties import services as any_service

#: container, action, reason, node
Line = tuple[str, str, str, str]


def updated(
    held: ProjectRecord, *services: ServiceRecord, version: str = "2.0", **fields: Any
) -> ProjectRecord:
    """The record as an update to these services makes it."""
    command = UpdateProject.model_validate(
        {"command_id": "u", "name": held.name, "template": "", "version": version, **fields}
    )
    number = releasing.next_revision(held)
    revision = RevisionRecord(
        project=held.name, number=number, version=version, template="", created=TIME
    )
    template = ProjectTemplate(services=tuple(each.template for each in services), warnings=("w",))
    record, _ = releasing.update(held, command, template, revision, Moment(TIME, "op"))
    return record


def a_cluster(
    *projects: ProjectRecord,
    count: int = 3,
    states: dict[int, NodeState] | None = None,
    **node: Any,
) -> Cluster:
    """Nodes that have, by their documents, all that these projects want."""
    names = range(1, count + 1)
    pictures = [
        builders.a_node(index, state=(states or {}).get(index, NodeState.READY), **node)
        for index in names
    ]
    placed = schedule(projects, nodes(count, **node), {}).assigned
    return Cluster(
        projects={project.name: project for project in projects},
        nodes=tuple(pictures),
        documents={each.name: _document(each, placed) for each in pictures},
    )


def _document(node: NodePicture, placed: Any) -> NodeDesired:
    slots = tuple(_entry(slot) for slot, name in placed.items() if name == node.name)
    return NodeDesired(node=node.name, epoch=1, generation=1, slots=slots)


def _entry(slot: SlotKey) -> DesiredSlot:
    of = {"project": slot.project, "service": slot.service, "slot": slot.slot}
    return DesiredSlot.model_validate(
        {**of, "set_name": slot.set_name, "wanted": Wanted.RUNNING, "spec": "0" * 64}
    )


def lines(plan: Plan) -> list[Line]:
    return [(each.container, each.action, each.reason, each.node) for each in plan.changes]


def plan_of(held: ProjectRecord, *services: ServiceRecord, **fields: Any) -> list[Line]:
    """What an update of a project that runs on two nodes would do."""
    return lines(
        planned_changes(a_cluster(held, count=2), held, updated(held, *services, **fields))
    )


def starting_first(name: str = "web", *, scale: int = 2, **spec: Any) -> ServiceRecord:
    service = a_service(name, scale=scale, **spec)
    update = UpdatePolicy(order="start-first", parallelism=1)
    template = service.template.model_copy(update={"update": update})
    return service.model_copy(update={"template": template})


class TestCreate:
    def test_every_container_is_new_and_services_come_as_they_start(self) -> None:
        web = a_service("web", scale=2, depends_on=("zdb",))
        plan = planned_changes(a_cluster(count=2), None, a_project(web, a_service("zdb")))
        assert plan.version == "1.0"
        assert [line[0] for line in lines(plan)] == ["shop_zdb_1", "shop_web_1", "shop_web_2"]
        assert {line[1:3] for line in lines(plan)} == {("create", "new service")}
        assert {line[3] for line in lines(plan)[1:]} == {"n1", "n2"}

    def test_what_finds_no_node_waits_and_says_why(self) -> None:
        other = a_project(a_service(ports=["80:80"]), name="other")
        plan = planned_changes(
            a_cluster(other, count=1), None, a_project(a_service(ports=["80:80"]))
        )
        ((container, action, reason, node),) = lines(plan)
        assert (container, action, node) == ("shop_web_1", "wait", "")
        assert "80/tcp" in reason

    def test_a_global_service_gets_one_on_every_node(self) -> None:
        plan = planned_changes(a_cluster(count=3), None, a_project(a_service(is_global=True)))
        assert [line[3] for line in lines(plan)] == ["n1", "n2", "n3"]


class TestUpdate:
    def test_the_same_again_keeps_everything(self) -> None:
        held = a_project(a_service(scale=2), a_service("db"))
        found = plan_of(held, a_service(scale=2), a_service("db"))
        assert {line[1:3] for line in found} == {("keep", "unchanged")}
        assert len(found) == 3

    def test_a_changed_field_replaces_in_place(self) -> None:
        held = a_project(a_service(scale=2))
        found = plan_of(held, a_service(scale=2, image="web:2"))
        assert found == [
            ("shop_web_1", "replace", "image web:1 -> web:2", "n1"),
            ("shop_web_2", "replace", "image web:1 -> web:2", "n2"),
        ]

    def test_several_fields_are_all_told(self) -> None:
        ((_, _, reason, _),) = plan_of(
            a_project(a_service()),
            a_service(image="web:2", environment={"A": "1"}, ports=["80:80"]),
        )
        assert reason == "image web:1 -> web:2, environment A added, ports changed"

    def test_what_only_the_agent_reads_keeps_the_container(self) -> None:
        found = plan_of(a_project(a_service()), a_service(probe=Probe(url="http://x")))
        assert found == [("shop_web_1", "keep", "probe changed", "n1")]

    def test_scaling_creates_and_removes_at_the_end(self) -> None:
        held = a_project(a_service(scale=2))
        more = plan_of(held, a_service(scale=3))
        assert [line[:3] for line in more][2:] == [("shop_web_3", "create", "scaled from 2 to 3")]
        fewer = plan_of(held, a_service(scale=1))
        assert fewer[1] == ("shop_web_2", "remove", "scaled from 2 to 1", "n2")
        assert (more[0][1], fewer[0][1]) == ("keep", "keep")

    def test_services_come_and_go(self) -> None:
        found = plan_of(a_project(a_service("old")), a_service("new"))
        assert [line[:3] for line in found] == [
            ("shop_old_1", "remove", "its service is gone"),
            ("shop_new_1", "create", "new service"),
        ]

    def test_images_that_are_pulled_again_may_replace(self) -> None:
        found = plan_of(a_project(a_service()), a_service(), latest_image=True)
        assert found == [
            ("shop_web_1", "replace", "its image is pulled again; kept where it is the same", "n1")
        ]

    def test_what_is_stopped_is_started(self) -> None:
        held = a_project(a_service())
        stopped = held.services["web"].model_copy(update={"desired_state": State.STOPPED})
        cluster = a_cluster(held)
        held = held.model_copy(update={"services": {"web": stopped}})
        plan = planned_changes(cluster, held, updated(held, a_service()))
        assert lines(plan) == [("shop_web_1", "keep", "started again", "n1")]

    def test_what_had_no_node_gets_one(self) -> None:
        held = a_project(a_service(scale=2, mem_limit_bytes=60 * MIB))
        cluster = a_cluster(held, count=1, memory_bytes=100 * MIB)
        plan = planned_changes(cluster, held, updated(held, a_service(scale=2, cpus=1.0)))
        reasons = [line[1:3] for line in lines(plan)]
        assert reasons == [
            ("replace", "mem_limit_bytes 62914560 -> unset, cpus unset -> 1.0"),
            ("create", "wanted already, and has had no node so far"),
        ]

    def test_its_version_and_warnings_are_the_templates(self) -> None:
        held = a_project(a_service())
        plan = planned_changes(a_cluster(held), held, updated(held, a_service(), version="7"))
        assert (plan.version, plan.warnings) == ("7", ("w",))

    def test_a_service_that_runs_everywhere_from_now_on_and_back(self) -> None:
        some, every = a_service(), a_service(is_global=True)
        found = plan_of(a_project(some), every)
        assert found[0][1:3] == ("remove", "one on every node instead")
        assert {line[1:3] for line in found[1:]} == {("create", "one on every node")}
        assert [line[3] for line in found[1:]] == ["n1", "n2"]
        found = plan_of(a_project(every), some)
        assert {line[2] for line in found} == {"not on every node any more"}


@given(st.data())
def test_of_a_project_that_stays_as_it_is_everything_is_kept(data: st.DataObject) -> None:
    made = [data.draw(any_service(name)) for name in NAMES]
    running = [each.model_copy(update={"desired_state": State.RUNNING}) for each in made]
    held = a_project(*running)
    cluster = a_cluster(held)
    plan = planned_changes(cluster, held, updated(held, *running))
    there = [slot for each in cluster.documents.values() for slot in each.slots]
    assert {each.action for each in plan.changes} <= {"keep", "wait"}
    assert sum(each.action == "keep" for each in plan.changes) == len(there)


class TestBeside:
    def test_start_first_creates_under_other_names_where_the_old_ones_are(self) -> None:
        found = plan_of(a_project(starting_first()), starting_first(image="web:2"))
        assert found == [
            ("shop_web_1", "remove", "shop_web_1_r2 takes over", "n1"),
            ("shop_web_1_r2", "create", "takes over from shop_web_1, image web:1 -> web:2", "n1"),
            ("shop_web_2", "remove", "shop_web_2_r2 takes over", "n2"),
            ("shop_web_2_r2", "create", "takes over from shop_web_2, image web:1 -> web:2", "n2"),
        ]

    def test_batches_need_room_for_themselves_only(self) -> None:
        held = a_project(starting_first(scale=2, mem_limit_bytes=40 * MIB))
        cluster = a_cluster(held, count=1, memory_bytes=130 * MIB)
        new = updated(held, starting_first(scale=2, image="web:2", mem_limit_bytes=40 * MIB))
        actions = {each.action for each in planned_changes(cluster, held, new).changes}
        assert actions == {"create", "remove"}

    def test_what_would_stand_still_waits_although_there_is_room_at_the_end(self) -> None:
        held = a_project(starting_first(scale=2, mem_limit_bytes=60 * MIB))
        cluster = a_cluster(held, count=1, memory_bytes=130 * MIB)
        new = updated(held, starting_first(scale=2, image="web:2", mem_limit_bytes=60 * MIB))
        waiting = [
            each for each in planned_changes(cluster, held, new).changes if each.action == "wait"
        ]
        assert waiting
        assert "memory" in waiting[0].reason

    def test_more_batches_than_are_gone_through_end_as_well(self) -> None:
        scale = STEPS_MAX + 10
        held = a_project(starting_first(scale=scale))
        plan = planned_changes(
            a_cluster(held), held, updated(held, starting_first(scale=scale, tty=True))
        )
        assert [each.action for each in plan.changes] == ["remove", "create"] * scale

    def test_blue_green_says_what_its_confirmation_does(self) -> None:
        held = a_project(a_service(), a_service("db"), a_service("old"))
        new = a_service(image="web:2"), a_service("db"), a_service("new")
        found = plan_of(held, *new, update_method="blue-green")
        assert sorted(line[:3] for line in found) == [
            ("shop_db_1", "keep", "unchanged"),
            ("shop_new_1", "create", "new service"),
            ("shop_old_1", "remove", "its service is gone, when version 2.0 is confirmed"),
            ("shop_web_1", "remove", "shop_web_1_r2 takes over, when version 2.0 is confirmed"),
            (
                "shop_web_1_r2",
                "create",
                "blue-green: version 2.0, beside shop_web_1, image web:1 -> web:2",
            ),
        ]

    def test_both_sets_of_blue_green_need_room_at_once(self) -> None:
        held = a_project(a_service(ports=["80:80"]))
        new = updated(held, a_service(ports=["80:80"], image="web:2"), update_method="blue-green")
        plan = planned_changes(a_cluster(held, count=1), held, new)
        assert [each.action for each in plan.changes] == ["remove", "wait"]

    def test_who_lives_in_a_container_that_is_made_anew_follows_it(self) -> None:
        side = a_service("side", network_mode="service:web", together_with=("web",))
        held = a_project(a_service(), side)
        found = plan_of(held, a_service(image="web:2"), side, update_method="blue-green")
        created = {line[0]: line[2] for line in found if line[1] == "create"}
        assert created["shop_side_1_r2"].endswith("lives in another container")


class TestMoves:
    @pytest.mark.parametrize(
        ("image", "reason"),
        [("web:1", "n1 is down"), ("web:2", "n1 is down, image web:1 -> web:2")],
    )
    def test_an_update_that_lets_a_service_be_rescheduled_moves_it(
        self, image: str, reason: str
    ) -> None:
        held = a_project(a_service())
        cluster = a_cluster(held, states={1: NodeState.DOWN})
        new = updated(held, a_service(reschedule=True, image=image))
        (change,) = planned_changes(cluster, held, new).changes
        assert (change.action, change.reason) == ("move", reason)
        assert (change.from_node, change.node) == ("n1", "n2")

    def test_one_that_should_move_and_can_not_waits_where_it_is(self) -> None:
        held = a_project(a_service())
        cluster = a_cluster(held, count=1, states={1: NodeState.DOWN})
        plan = planned_changes(cluster, held, updated(held, a_service(reschedule=True)))
        assert [(c.action, c.node) for c in plan.changes] == [("wait", "n1")]
