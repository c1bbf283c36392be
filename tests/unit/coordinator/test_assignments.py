"""The rules by which documents change, one each."""

import pytest

from schemas.current import ContainerCurrent
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
    only_change,
    started,
)

DB = a_service("db")
WEB = a_service("web", after=["db"])
SHOP = a_project(DB, WEB)
STOPPED_DB = a_service("db", state=State.STOPPED)
STOPPED_WEB = a_service("web", after=["db"], state=State.STOPPED)


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
