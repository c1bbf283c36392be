"""When an operation is done, and when it never will be."""

from collections.abc import Sequence
from typing import Any

import pytest

from coordinator.commands.progress import Lag, progress
from coordinator.commands.standings import Standing
from coordinator.commands.waiting import Waiting
from coordinator.store.nodes import NodePicture
from coordinator.views.projects import ProjectViews
from schemas.desired import NodeDesired
from schemas.records import ProjectRecord
from schemas.release import Operation
from schemas.reply import Progress
from schemas.states import EngineState, NodeState, State, Wanted
from tests.builders import (
    TIME,
    a_container,
    a_document,
    a_node,
    a_problem,
    a_project,
    a_service,
    an_entry,
    exited,
    viewed,
)
from tests.fakes.stores import a_store, know, remember

HELD = a_document(1, an_entry(), epoch=2, generation=5)


def about(*services: Any, verb: str = "project.start", service: str = "", **fields: Any) -> Any:
    return a_project(*services, operation=an_operation(verb, service), **fields)


def an_operation(verb: str = "project.start", service: str = "", number: int = 5) -> Operation:
    return Operation(id=f"op-{number}", verb=verb, service=service, started=TIME, number=number)


def standing(
    project: ProjectRecord,
    nodes: Sequence[NodePicture],
    documents: Sequence[NodeDesired] = (HELD,),
    *,
    is_applied: bool = True,
    operation: Operation | None = None,
) -> Standing:
    """Of the given operation, or the project's newest."""
    chosen = operation or project.operation
    assert chosen is not None
    return progress(
        chosen,
        viewed(project, nodes),
        lag_of(project.name, nodes, documents),
        is_applied=is_applied,
    )


def lag_of(project: str, nodes: Sequence[NodePicture], documents: Sequence[NodeDesired]) -> Lag:
    """By the store, as those who wait look at it."""
    store = a_store()
    for node in nodes:
        know(store, node)
    for document in documents:
        remember(store.documents, document.node, document)
    return Waiting(store, ProjectViews(store))._lag(project)


def test_it_is_done_when_all_is_settled_and_the_nodes_have_seen_the_document() -> None:
    assert standing(about(), [a_node(1, a_container(), read=HELD)]).progress is Progress.DONE


def test_it_is_not_done_before_the_control_loop_has_seen_the_record() -> None:
    nodes = [a_node(1, a_container(), read=HELD)]
    assert standing(about(), nodes, is_applied=False).progress is Progress.RUNNING


@pytest.mark.parametrize(("epoch", "generation"), [(2, 4), (1, 9)])
def test_it_is_not_done_before_the_nodes_have_seen_the_document(
    epoch: int, generation: int
) -> None:
    node = a_node(1, a_container(), epoch=epoch, generation=generation)
    assert standing(about(), [node]).progress is Progress.RUNNING


@pytest.mark.parametrize(("epoch", "generation"), [(2, 6), (3, 1)])
def test_a_node_that_has_seen_a_newer_document_has_seen_this_one(
    epoch: int, generation: int
) -> None:
    node = a_node(1, a_container(), epoch=epoch, generation=generation)
    assert standing(about(), [node]).progress is Progress.DONE


@pytest.mark.parametrize("verb", ["project.start", "project.redeploy"])
def test_a_node_that_refuses_its_orders_has_not_seen_them_whatever_it_holds(verb: str) -> None:
    node = a_node(1, a_container(), epoch=9, generation=9, settled=True, refusal="too old")
    assert standing(about(verb=verb), [node]).progress is Progress.RUNNING


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(a_node(2, state=NodeState.DOWN), id="down"),
        pytest.param(a_node(2, engine=EngineState.DOWN), id="engine down"),
        pytest.param(a_node(2, heard=False), id="never heard"),
    ],
)
def test_nodes_that_do_not_answer_are_not_waited_for(other: NodePicture) -> None:
    documents = [HELD, a_document(2, an_entry("web.2", Wanted.ABSENT), generation=9)]
    nodes = [a_node(1, a_container(), read=HELD), other]
    assert standing(about(), nodes, documents).progress is Progress.DONE


@pytest.mark.parametrize("documents", [[HELD], [HELD, a_document(2, an_entry("x.1", project="y"))]])
def test_nodes_that_have_no_part_in_the_project_are_not_waited_for(
    documents: list[NodeDesired],
) -> None:
    nodes = [a_node(1, a_container(), read=HELD), a_node(2)]
    assert standing(about(), nodes, documents).progress is Progress.DONE


def test_it_runs_while_anything_is_missing() -> None:
    project = about(a_service("db"), a_service())
    assert standing(project, [a_node(1, a_container(), read=HELD)]).progress is Progress.RUNNING


def test_a_command_on_a_service_is_about_that_service_alone() -> None:
    project = about(a_service("db"), a_service(), verb="service.start", service="web")
    assert standing(project, [a_node(1, a_container(), read=HELD)]).progress is Progress.DONE


def test_a_command_on_a_service_that_has_vanished_is_done() -> None:
    project = about(verb="service.start", service="old")
    assert standing(project, [a_node(1, read=HELD)]).progress is Progress.DONE


def test_a_stop_is_done_when_nothing_runs() -> None:
    project = about(a_service(state=State.STOPPED), verb="project.stop")
    assert standing(project, [a_node(1, exited(), read=HELD)]).progress is Progress.DONE
    assert standing(project, [a_node(1, a_container(), read=HELD)]).progress is Progress.RUNNING


def test_what_will_not_pass_by_itself_is_a_failure_with_all_its_reasons() -> None:
    problems = [a_problem("web.1", "no such image"), a_problem("web.2", "port 80 is taken")]
    containers = [a_container("web.1", status="created"), a_container("web.2", status="created")]
    node = a_node(1, *containers, read=HELD, problems=problems)
    found = standing(about(a_service(scale=2)), [node])
    assert found.progress is Progress.FAILED
    assert found.reason == "no such image (node n1); port 80 is taken (node n1)"


def test_a_failure_from_before_the_document_was_seen_is_not_yet_believed() -> None:
    node = a_node(1, a_container(status="created"), problems=[a_problem()], generation=4, epoch=2)
    assert standing(about(), [node]).progress is Progress.RUNNING


def test_what_may_pass_by_itself_is_no_failure() -> None:
    crashed = a_problem("web.1", "exited with code 1", definite=False)
    node = a_node(1, exited(exit_code=1), read=HELD, problems=[crashed])
    assert standing(about(), [node]).progress is Progress.RUNNING


def test_a_failure_of_another_service_is_not_this_ones() -> None:
    project = about(a_service("db"), a_service(), verb="service.start", service="web")
    broken = a_container("db.1", status="created")
    node = a_node(1, a_container(), broken, read=HELD, problems=[a_problem("db.1")])
    assert standing(project, [node]).progress is Progress.DONE


class TestRedeploy:
    PROJECT = about(verb="project.redeploy")

    def test_is_done_only_when_the_nodes_have_nothing_left_to_do(self) -> None:
        busy = a_node(1, a_container(), read=HELD, settled=False)
        assert standing(self.PROJECT, [busy]).progress is Progress.RUNNING
        ready = a_node(1, a_container(), read=HELD)
        assert standing(self.PROJECT, [ready]).progress is Progress.DONE

    def test_fails_at_once_though_a_node_that_tries_again_is_never_settled(self) -> None:
        node = a_node(
            1,
            a_container(status="created"),
            read=HELD,
            settled=False,
            problems=[a_problem()],
        )
        assert standing(self.PROJECT, [node]).progress is Progress.FAILED


class TestEnd:
    def of(self, newer: Operation | None, **fields: Any) -> Standing:
        """Of operation 5 on `web`, when `newer` was the last to change what is wanted of it."""
        web = a_service(**fields).model_copy(update={"changed_by": newer})
        operation = an_operation("service.scale", "web")
        return standing(
            a_project(a_service("db"), web),
            [a_node(1, a_container(), a_container("db.1"), read=HELD)],
            operation=operation,
        )

    def test_an_operation_is_superseded_by_a_newer_one_that_wants_something_else(self) -> None:
        stop = an_operation("service.stop", "web", number=6)
        assert self.of(stop) == Standing(Progress.SUPERSEDED, "superseded by service.stop")

    @pytest.mark.parametrize("number", [4, 5])
    def test_an_operation_is_not_superseded_by_an_older_one_or_by_itself(self, number: int) -> None:
        assert self.of(an_operation(number=number)).progress is Progress.DONE

    def test_an_operation_is_not_superseded_by_one_on_another_service(self) -> None:
        db = a_service("db").model_copy(update={"changed_by": an_operation(number=9)})
        project = a_project(db, a_service(), operation=an_operation(number=9))
        node = a_node(1, a_container(), a_container("db.1"), read=HELD)
        web = an_operation("service.scale", "web")
        assert standing(project, [node], operation=web).progress is Progress.DONE
        every = standing(project, [node], operation=an_operation("project.start"))
        assert every.progress is Progress.SUPERSEDED

    def test_every_operation_but_a_deletion_is_superseded_by_one(self) -> None:
        going = about(verb="project.delete", state=State.DELETED)
        start = an_operation("project.start", number=4)
        expected = Standing(Progress.SUPERSEDED, "superseded by project.delete")
        assert standing(going, [a_node()], operation=start) == expected
        assert progress(start, None, Lag(), is_applied=False) == expected

    def test_a_deletion_runs_until_the_project_is_gone(self) -> None:
        project = about(verb="project.delete", state=State.DELETED)
        assert standing(project, [a_node()]).progress is Progress.RUNNING
        deletion = an_operation("project.delete")
        assert progress(deletion, None, Lag(), is_applied=False).progress is Progress.DONE

    def test_a_deletion_is_done_though_the_name_was_taken_again(self) -> None:
        again = about(verb="project.create")
        deletion = an_operation("project.delete", number=3)
        assert standing(again, [a_node()], operation=deletion).progress is Progress.DONE
