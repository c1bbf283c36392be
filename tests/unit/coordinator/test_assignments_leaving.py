"""What leaves a node: absent slots, moved slots, deleted projects."""

import pytest

from coordinator.placement.assignments import has_left
from schemas.states import NodeState, State, Wanted
from tests.builders import (
    a_container,
    a_document,
    a_node,
    a_project,
    a_service,
    an_entry,
    entries,
    exited,
    follows,
    only_change,
    started,
)

DB = a_service("db")
WEB = a_service("web", after=["db"])
SHOP = a_project(DB, WEB)
GOING = a_project(DB, WEB, state=State.DELETED)


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

    def test_an_order_is_kept_while_the_node_refuses_it_whatever_it_holds(self) -> None:
        ordered = a_document(1, an_entry("web.1"), an_entry("web.2", Wanted.ABSENT), generation=2)
        node = a_node(1, a_container("web.1"), epoch=9, generation=9, refusal="too old")
        assert follows(a_project(a_service("web")), [node], [ordered]).changed == {}

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

    def test_an_entry_of_a_project_without_a_record_stays_as_it_is(self) -> None:
        held = started("web.1")
        assert follows([], [a_node(1, a_container("web.1"), read=held)], [held]).changed == {}

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
