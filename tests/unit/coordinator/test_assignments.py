"""The rules by which documents change, one each."""

from collections.abc import Mapping

import pytest

from coordinator.domain.assignments import has_left
from schemas.current import ContainerCurrent
from schemas.desired import DesiredNetwork, DesiredVolume, NodeDesired
from schemas.records import ProjectRecord
from schemas.states import Health, NodeState, State, Wanted
from tests.builders import (
    ONCE,
    a_container,
    a_document,
    a_node,
    a_project,
    a_service,
    an_entry,
    entries,
    exited,
    follows,
)

DB = a_service("db")
WEB = a_service("web", after=["db"])
SHOP = a_project(DB, WEB)
STOPPED_DB = a_service("db", state=State.STOPPED)
STOPPED_WEB = a_service("web", after=["db"], state=State.STOPPED)
GOING = a_project(DB, WEB, state=State.DELETED)
NETWORK = DesiredNetwork(project="shop", name="shop_default")
VOLUME = DesiredVolume(project="shop", name="shop_data")


def started(*entries_: str) -> NodeDesired:
    """Generation 1 of n1's document, with these slots running."""
    return a_document(1, *(an_entry(each) for each in entries_))


def only_change(changed: Mapping[str, NodeDesired]) -> dict[str, str]:
    (document,) = changed.values()
    return entries(document)


class TestStart:
    def test_a_service_without_dependencies_starts_at_once(self) -> None:
        changed = follows(a_project(DB), [a_node()]).changed
        assert only_change(changed) == {"db.1": "running"}

    @pytest.mark.parametrize(
        ("db", "expected"),
        [
            pytest.param(None, "stopped", id="nothing there"),
            pytest.param(a_container("db.1", status="created"), "stopped", id="created"),
            pytest.param(a_container("db.1", health=Health.STARTING), "stopped", id="not healthy"),
            pytest.param(a_container("db.1", health=Health.FAILURE), "stopped", id="unhealthy"),
            pytest.param(a_container("db.1", fingerprint="old"), "stopped", id="outdated"),
            pytest.param(exited("db.1"), "stopped", id="exited"),
            pytest.param(a_container("db.1"), "running", id="running"),
            pytest.param(a_container("db.1", health=Health.SUCCESS), "running", id="healthy"),
        ],
    )
    def test_a_service_starts_when_what_it_depends_on_is_up(
        self, db: ContainerCurrent | None, expected: str
    ) -> None:
        held = a_document(1, an_entry("db.1"), an_entry("web.1", Wanted.STOPPED))
        there = [db] if db else []
        changed = follows(SHOP, [a_node(1, *there, read=held)], [held]).changed
        new = changed.get("n1", held)
        assert entries(new) == {"db.1": "running", "web.1": expected}

    def test_every_slot_of_a_dependency_has_to_be_up(self) -> None:
        held = a_document(1, an_entry("db.1"), an_entry("db.2"), an_entry("web.1", Wanted.STOPPED))
        shop = a_project(a_service("db", scale=2), WEB)
        assert follows(shop, [a_node(1, a_container("db.1"), read=held)], [held]).changed == {}

    def test_a_dependency_that_fails_later_stops_nobody(self) -> None:
        held = started("db.1", "web.1")
        node = a_node(1, exited("db.1", exit_code=1), a_container("web.1"), read=held)
        assert follows(SHOP, [node], [held]).changed == {}

    def test_a_dependency_that_is_meant_to_be_stopped_is_not_awaited(self) -> None:
        changed = follows(a_project(STOPPED_DB, WEB), [a_node()]).changed
        assert only_change(changed) == {"web.1": "running"}

    def test_a_dependency_scaled_to_nothing_is_not_awaited(self) -> None:
        changed = follows(a_project(a_service("db", scale=0), WEB), [a_node()]).changed
        assert only_change(changed) == {"web.1": "running"}

    def test_a_dependency_on_a_node_that_is_down_is_awaited(self) -> None:
        held = [a_document(1, an_entry("db.1")), a_document(2, an_entry("web.1", Wanted.STOPPED))]
        nodes = [a_node(1, a_container("db.1"), state=NodeState.DOWN), a_node(2)]
        assert follows(SHOP, nodes, held).changed == {}

    @pytest.mark.parametrize(
        ("migration", "expected"),
        [(a_container("job.1"), "stopped"), (exited("job.1"), "running")],
        ids=["still at work", "done"],
    )
    def test_a_dependency_that_must_complete_is_awaited_to_its_end(
        self, migration: ContainerCurrent, expected: str
    ) -> None:
        job = a_service("job", restart=ONCE)
        web = a_service("web", after=["job"], conditions={"job": "completed"})
        held = a_document(1, an_entry("job.1", of=job), an_entry("web.1", Wanted.STOPPED), of=[job])
        done = migration.model_copy(update={"fingerprint": held.slots[0].spec})
        changed = follows(a_project(job, web), [a_node(1, done, read=held)], [held]).changed
        assert entries(changed.get("n1", held))["web.1"] == expected

    def test_what_is_up_is_left_alone(self) -> None:
        held = started("db.1", "web.1")
        node = a_node(1, a_container("db.1"), a_container("web.1"), read=held)
        assert follows(SHOP, [node], [held], epoch=9).changed == {}


class TestStop:
    def test_dependents_stop_first(self) -> None:
        held = started("db.1", "web.1")
        node = a_node(1, a_container("db.1"), a_container("web.1"), read=held)
        changed = follows(a_project(STOPPED_DB, STOPPED_WEB), [node], [held]).changed
        assert only_change(changed) == {"db.1": "running", "web.1": "stopped"}

    def test_a_service_stops_when_its_dependents_have(self) -> None:
        held = a_document(1, an_entry("db.1"), an_entry("web.1", Wanted.STOPPED))
        node = a_node(1, a_container("db.1"), exited("web.1"), read=held)
        changed = follows(a_project(STOPPED_DB, STOPPED_WEB), [node], [held]).changed
        assert only_change(changed) == {"db.1": "stopped", "web.1": "stopped"}

    def test_a_dependent_on_a_node_that_is_down_holds_up_nobody(self) -> None:
        held = [a_document(1, an_entry("db.1")), a_document(2, an_entry("web.1", Wanted.STOPPED))]
        nodes = [
            a_node(1, a_container("db.1"), read=held[0]),
            a_node(2, a_container("web.1"), state=NodeState.DOWN),
        ]
        changed = follows(a_project(STOPPED_DB, STOPPED_WEB), nodes, held).changed
        assert only_change(changed) == {"db.1": "stopped"}

    def test_a_service_stopped_alone_does_not_wait_for_dependents_that_go_on(self) -> None:
        held = started("db.1", "web.1")
        node = a_node(1, a_container("db.1"), a_container("web.1"), read=held)
        changed = follows(a_project(STOPPED_DB, WEB), [node], [held]).changed
        assert only_change(changed) == {"db.1": "stopped", "web.1": "running"}

    def test_how_to_stop_is_told_with_the_order_to_stop(self) -> None:
        killed = a_service("web", state=State.STOPPED, stopped_with="KILL", stopped_within_s=0.0)
        held = started("web.1")
        node = a_node(1, a_container("web.1"), read=held)
        (document,) = follows(a_project(killed), [node], [held]).changed.values()
        assert (document.slots[0].stop_signal, document.slots[0].stop_timeout_s) == ("KILL", 0.0)

    def test_a_stopped_service_keeps_its_slots_and_gets_no_new_ones(self) -> None:
        more = a_service("web", scale=3, state=State.STOPPED)
        held = a_document(1, an_entry("web.1", Wanted.STOPPED))
        assert follows(a_project(more), [a_node(1, read=held)], [held]).changed == {}

    def test_a_start_after_a_stop_waits_for_dependencies_again(self) -> None:
        held = a_document(1, an_entry("db.1", Wanted.STOPPED), an_entry("web.1", Wanted.STOPPED))
        node = a_node(1, exited("db.1"), exited("web.1"), read=held)
        changed = follows(SHOP, [node], [held]).changed
        assert only_change(changed) == {"db.1": "running", "web.1": "stopped"}


class TestAbsent:
    def test_scaling_down_orders_the_highest_slots_absent(self) -> None:
        held = started("web.1", "web.2", "web.3")
        node = a_node(1, *(a_container(f"web.{n}") for n in (1, 2, 3)), read=held)
        changed = follows(a_project(a_service("web")), [node], [held]).changed
        assert only_change(changed) == {"web.1": "running", "web.2": "absent", "web.3": "absent"}

    def test_scaling_up_again_keeps_what_had_not_left_yet(self) -> None:
        held = a_document(1, an_entry("web.1"), an_entry("web.2", Wanted.ABSENT))
        nodes = [a_node(1, a_container("web.1"), a_container("web.2")), a_node(2)]
        changed = follows(a_project(a_service("web", scale=2)), nodes, [held]).changed
        assert only_change(changed) == {"web.1": "running", "web.2": "running"}

    def test_an_order_is_kept_until_the_node_has_reported_on_that_document(self) -> None:
        before = started("web.1", "web.2")
        ordered = a_document(1, an_entry("web.1"), an_entry("web.2", Wanted.ABSENT), generation=2)
        shop = a_project(a_service("web"))
        silent = a_node(1, a_container("web.1"), read=before)
        assert follows(shop, [silent], [ordered]).changed == {}
        answered = a_node(1, a_container("web.1"), read=ordered)
        assert only_change(follows(shop, [answered], [ordered]).changed) == {"web.1": "running"}

    def test_an_order_is_kept_while_the_container_is_there(self) -> None:
        ordered = a_document(1, an_entry("web.1"), an_entry("web.2", Wanted.ABSENT))
        node = a_node(1, a_container("web.1"), a_container("web.2"), read=ordered)
        assert follows(a_project(a_service("web")), [node], [ordered]).changed == {}

    def test_a_node_that_never_reported_keeps_its_orders(self) -> None:
        ordered = a_document(1, an_entry("web.2", Wanted.ABSENT), epoch=0, generation=0)
        nodes = [a_node(1, heard=False)]
        assert follows(a_project(a_service("web", scale=0)), nodes, [ordered]).changed == {}

    def test_containers_of_unknown_projects_are_left_alone(self) -> None:
        node = a_node(1, a_container("web.1", project="stranger"))
        assert follows([], [node]).changed == {}

    def test_an_entry_of_an_unknown_project_is_forgotten_rather_than_ordered_absent(self) -> None:
        held = started("web.1")
        changed = follows([], [a_node(1, a_container("web.1"), read=held)], [held]).changed
        assert only_change(changed) == {}

    def test_an_order_given_stands_when_the_project_is_no_longer_known(self) -> None:
        ordered = a_document(1, an_entry("web.1", Wanted.ABSENT))
        node = a_node(1, a_container("web.1"), read=ordered)
        assert follows([], [node], [ordered]).changed == {}

    def test_containers_of_a_known_project_in_the_wrong_place_are_ordered_absent(self) -> None:
        held = started("web.1")
        nodes = [a_node(1, a_container("web.1"), read=held), a_node(2, a_container("web.1"))]
        changed = follows(a_project(), nodes, [held]).changed
        assert {name: entries(each) for name, each in changed.items()} == {
            "n2": {"web.1": "absent"}
        }

    def test_containers_of_a_service_that_no_longer_exists_are_ordered_absent(self) -> None:
        changed = follows(a_project(), [a_node(1, a_container("old.1"))]).changed
        assert only_change(changed) == {"old.1": "absent", "web.1": "running"}

    def test_a_container_that_no_document_places_keeps_its_node(self) -> None:
        nodes = [a_node(1), a_node(2, a_container("web.1"))]
        changed = follows(a_project(), nodes).changed
        assert list(changed) == ["n2"]
        assert only_change(changed) == {"web.1": "running"}


class TestMoves:
    SHOP = a_project(a_service("web", reschedule=True))

    def test_a_slot_of_a_node_that_is_down_moves_and_is_ordered_absent_there(self) -> None:
        held = started("web.1")
        nodes = [a_node(1, a_container("web.1"), state=NodeState.DOWN), a_node(2)]
        following = follows(self.SHOP, nodes, [held])
        assert {name: entries(each) for name, each in following.changed.items()} == {
            "n1": {"web.1": "absent"},
            "n2": {"web.1": "running"},
        }
        assert following.first == {"n1"}

    def test_while_frozen_nothing_moves(self) -> None:
        held = started("web.1")
        nodes = [a_node(1, a_container("web.1"), state=NodeState.DOWN), a_node(2)]
        assert follows(self.SHOP, nodes, [held], frozen=True).changed == {}

    def test_a_node_that_returns_drops_what_moved(self) -> None:
        held = [a_document(1, an_entry("web.1", Wanted.ABSENT)), a_document(2, an_entry("web.1"))]
        back = a_node(1, a_container("web.1"), state=NodeState.SUSPECT)
        nodes = [back, a_node(2, a_container("web.1"), read=held[1])]
        assert follows(self.SHOP, nodes, held).changed == {}

    def test_a_node_that_has_dropped_what_moved_is_done_with_it(self) -> None:
        held = [a_document(1, an_entry("web.1", Wanted.ABSENT)), a_document(2, an_entry("web.1"))]
        nodes = [a_node(1, read=held[0]), a_node(2, a_container("web.1"), read=held[1])]
        assert only_change(follows(self.SHOP, nodes, held).changed) == {}

    def test_what_waits_for_its_dependencies_waits_on_the_new_node_too(self) -> None:
        web = a_service("web", after=["db"], reschedule=True)
        held = [a_document(1, an_entry("web.1")), a_document(2, an_entry("db.1"))]
        nodes = [
            a_node(1, a_container("web.1"), state=NodeState.DOWN),
            a_node(2, exited("db.1", exit_code=1), read=held[1]),
        ]
        changed = follows(a_project(DB, web), nodes, held).changed
        assert entries(changed["n2"]) == {"db.1": "running", "web.1": "stopped"}


class TestDelete:
    def test_dependents_leave_first(self) -> None:
        held = started("db.1", "web.1")
        node = a_node(1, a_container("db.1"), a_container("web.1"), read=held)
        changed = follows(GOING, [node], [held]).changed
        assert only_change(changed) == {"db.1": "running", "web.1": "absent"}

    def test_a_service_leaves_when_its_dependents_have(self) -> None:
        held = a_document(1, an_entry("db.1"), an_entry("web.1", Wanted.ABSENT))
        node = a_node(1, a_container("db.1"), read=held)
        assert only_change(follows(GOING, [node], [held]).changed) == {"db.1": "absent"}

    def test_with_force_everything_is_killed_at_once(self) -> None:
        held = started("db.1", "web.1")
        node = a_node(1, a_container("db.1"), a_container("web.1"), read=held)
        forced = a_project(DB, WEB, state=State.DELETED, force=True)
        (document,) = follows(forced, [node], [held]).changed.values()
        orders = [
            (entry.wanted, entry.stop_signal, entry.stop_timeout_s) for entry in document.slots
        ]
        assert orders == [(Wanted.ABSENT, "KILL", 0.0)] * 2

    def test_force_hurries_an_order_that_was_given_before(self) -> None:
        held = a_document(1, an_entry("web.1", Wanted.ABSENT))
        node = a_node(1, a_container("web.1"), read=held)
        forced = a_project(a_service(), state=State.DELETED, force=True)
        (document,) = follows(forced, [node], [held]).changed.values()
        assert document.slots[0].stop_signal == "KILL"

    def test_without_force_a_container_gets_its_own_grace(self) -> None:
        web = a_service("web", stop_grace_s=42.0)
        held = a_document(1, an_entry("web.1", of=web), of=[web])
        node = a_node(1, a_container("web.1", of=web), read=held)
        (document,) = follows(a_project(web, state=State.DELETED), [node], [held]).changed.values()
        assert (document.slots[0].stop_signal, document.slots[0].stop_timeout_s) == ("", 42.0)

    def test_a_project_has_left_when_no_document_names_it(self) -> None:
        held = a_document(1, an_entry("web.1", Wanted.ABSENT))
        node = a_node(1, read=held)
        assert not has_left("shop", [node], {"n1": held}, force=False)
        (empty,) = follows(a_project(state=State.DELETED), [node], [held]).changed.values()
        assert has_left("shop", [node], {"n1": empty}, force=False)

    @pytest.mark.parametrize("force", [False, True])
    def test_only_force_leaves_nodes_behind_that_are_down(self, force: bool) -> None:
        held = a_document(1, an_entry("web.1", Wanted.ABSENT))
        node = a_node(1, a_container("web.1"), state=NodeState.DOWN)
        assert has_left("shop", [node], {"n1": held}, force=force) is force

    def test_a_node_that_missed_a_forced_deletion_gets_its_order_from_the_tombstone(self) -> None:
        tombstone = a_project(state=State.DELETED, force=True, services={}, is_gone=True)
        node = a_node(1, a_container("web.1"))
        assert only_change(follows(tombstone, [node]).changed) == {"web.1": "absent"}

    def test_the_same_name_created_again_gets_its_slots_back(self) -> None:
        held = a_document(1, an_entry("web.1", Wanted.ABSENT))
        changed = follows(a_project(), [a_node(1, read=held)], [held]).changed
        assert only_change(changed) == {"web.1": "running"}


class TestBelongings:
    SHOP = a_project(a_service(), networks=[NETWORK], volumes=[VOLUME])

    def test_a_document_has_the_networks_and_volumes_of_the_projects_on_its_node(self) -> None:
        other = a_project(a_service(), name="other", networks=[], volumes=[])
        changed = follows([self.SHOP, other], [a_node(1), a_node(2)]).changed
        by_project = {
            document.slots[0].project: (document.networks, document.volumes)
            for document in changed.values()
        }
        assert by_project == {"shop": ((NETWORK,), (VOLUME,)), "other": ((), ())}

    def test_when_the_last_slot_leaves_the_networks_do_and_the_volumes_are_kept(self) -> None:
        held = a_document(1, an_entry("web.1"), networks=(NETWORK,), volumes=(VOLUME,))
        node = a_node(1, a_container("web.1"), read=held, volumes=("shop_data",))
        gone = a_project(a_service(scale=0), networks=[NETWORK], volumes=[VOLUME])
        (document,) = follows(gone, [node], [held]).changed.values()
        assert (document.networks, document.volumes) == ((), ())

    def deleted(self, *, volumes: bool) -> ProjectRecord:
        return self.SHOP.model_copy(
            update={"desired_state": State.DELETED, "remove_volumes": volumes}
        )

    @pytest.mark.parametrize("volumes", [False, True])
    def test_volumes_are_removed_only_when_that_is_asked_for(self, volumes: bool) -> None:
        held = a_document(1, an_entry("web.1"), networks=(NETWORK,), volumes=(VOLUME,))
        node = a_node(1, a_container("web.1"), read=held, volumes=("shop_data",))
        (document,) = follows(self.deleted(volumes=volumes), [node], [held]).changed.values()
        assert [v.wanted for v in document.volumes] == ([Wanted.ABSENT] if volumes else [])
        assert document.slots[0].remove_volumes is volumes

    def test_volumes_are_removed_from_nodes_that_the_project_left_before(self) -> None:
        nodes = [a_node(1, volumes=("shop_data", "other_data"))]
        (document,) = follows(self.deleted(volumes=True), nodes).changed.values()
        assert [(v.name, v.wanted) for v in document.volumes] == [("shop_data", Wanted.ABSENT)]

    def test_a_removal_is_ordered_until_the_node_has_reported_on_it(self) -> None:
        order = VOLUME.model_copy(update={"wanted": Wanted.ABSENT})
        held = a_document(1, volumes=(order,))
        before = a_node(1, epoch=0, generation=0)
        still_there = a_node(1, read=held, volumes=("shop_data",))
        for node in (before, still_there):
            assert follows(self.deleted(volumes=True), [node], [held]).changed == {}
            assert follows([], [node], [held]).changed == {}
        (document,) = follows(
            self.deleted(volumes=True), [a_node(1, read=held)], [held]
        ).changed.values()
        assert document.volumes == ()

    def test_a_project_has_not_left_while_its_volumes_are_there(self) -> None:
        held = a_document(1, volumes=(VOLUME.model_copy(update={"wanted": Wanted.ABSENT}),))
        assert not has_left("shop", [a_node(1)], {"n1": held}, force=False)

    def test_a_project_created_again_gets_its_volume_back(self) -> None:
        held = a_document(1, volumes=(VOLUME.model_copy(update={"wanted": Wanted.ABSENT}),))
        (document,) = follows(self.SHOP, [a_node(1, read=held)], [held]).changed.values()
        assert document.volumes == (VOLUME,)


class TestDocuments:
    def test_a_stale_status_changes_nothing(self) -> None:
        old = started("web.1")
        held = started("web.1", "web.2").model_copy(update={"generation": 7})
        node = a_node(1, a_container("web.1"), read=old)
        assert follows(a_project(a_service(scale=2)), [node], [held]).changed == {}

    def test_generations_count_up_and_carry_the_writers_epoch(self) -> None:
        held = started("web.1").model_copy(update={"epoch": 3, "generation": 7})
        node = a_node(1, a_container("web.1"), read=held)
        changed = follows(a_project(a_service(scale=2)), [node], [held], epoch=12).changed
        assert (changed["n1"].epoch, changed["n1"].generation) == (12, 8)

    def test_a_document_made_again_continues_from_what_the_node_remembers(self) -> None:
        remembered = started("web.1").model_copy(update={"epoch": 3, "generation": 7})
        node = a_node(1, a_container("web.1"), read=remembered)
        assert follows(a_project(), [node]).changed["n1"].generation == 8

    def test_a_spec_is_stored_once_and_leaves_with_its_last_slot(self) -> None:
        web = a_service("web", scale=2)
        (document,) = follows(a_project(web), [a_node()]).changed.values()
        assert list(document.specs.values()) == [web.template.spec]
        held = a_document(1, an_entry("web.1"), an_entry("web.2"))
        node = a_node(1, a_container("web.1"), a_container("web.2"), read=held)
        (emptied,) = follows(a_project(a_service(scale=0)), [node], [held]).changed.values()
        assert emptied.specs == {}

    def test_a_redeploy_is_a_change(self) -> None:
        held = started("web.1")
        node = a_node(1, a_container("web.1"), read=held)
        changed = follows(a_project(a_service(refresh=1)), [node], [held]).changed
        assert changed["n1"].slots[0].refresh == 1

    def test_a_global_service_has_a_slot_on_every_node_by_its_index(self) -> None:
        nodes = [a_node(1), a_node(2), a_node(4)]
        changed = follows(a_project(a_service("log", is_global=True)), nodes).changed
        assert {name: entries(each) for name, each in changed.items()} == {
            "n1": {"log.1": "running"},
            "n2": {"log.2": "running"},
            "n4": {"log.4": "running"},
        }

    def test_a_slot_on_a_node_that_is_not_known_is_written_nowhere(self) -> None:
        assert follows(a_project(a_service()), []).changed == {}
