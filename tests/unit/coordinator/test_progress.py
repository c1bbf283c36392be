"""When an operation is done, and when it never will be."""

from collections.abc import Sequence
from typing import Any

import pytest

from coordinator.domain.progress import Standing, progress
from coordinator.domain.sightings import NodePicture
from schemas.command import Progress
from schemas.desired import NodeDesired
from schemas.records import Operation, ProjectRecord
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

HELD = a_document(1, an_entry(), epoch=2, generation=5)


def about(*services: Any, verb: str = "project.start", service: str = "", **fields: Any) -> Any:
    operation = Operation(id="op", verb=verb, service=service, started=TIME)
    return a_project(*services, operation=operation, **fields)


def standing(
    project: ProjectRecord,
    nodes: Sequence[NodePicture],
    documents: Sequence[NodeDesired] = (HELD,),
    *,
    is_applied: bool = True,
    operation: str = "op",
) -> Standing:
    return progress(
        operation,
        viewed(project, nodes),
        {document.node: document for document in documents},
        nodes,
        is_applied=is_applied,
    )


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
    def test_an_operation_is_superseded_by_a_newer_command(self) -> None:
        found = standing(about(verb="project.stop"), [], operation="older")
        assert found == Standing(Progress.SUPERSEDED, "superseded by project.stop")

    def test_a_record_without_an_operation_supersedes_as_well(self) -> None:
        found = standing(a_project(), [], operation="older")
        assert found == Standing(Progress.SUPERSEDED, "superseded by a newer command")

    def test_a_deletion_runs_until_the_project_is_gone(self) -> None:
        project = about(verb="project.delete", state=State.DELETED)
        assert standing(project, [a_node()]).progress is Progress.RUNNING
        gone = progress("op", None, {}, [], is_applied=False)
        assert gone.progress is Progress.DONE
